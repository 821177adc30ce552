"""Statements as the driver runs them: written with SQLAlchemy, compiled once."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.types import TypeEngine

Convert = Callable[[Any], Any]
Values = Mapping[str, object]

DIALECT: Final = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves its constructor untyped


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement for the driver. ``required`` names the parameters without a default."""

    sql: str
    defaults: Sequence[tuple[str, Any]]
    """Each parameter with its default, in the statement's order."""
    conversions: Sequence[tuple[int, Convert]]
    """How SQLAlchemy's types prepare values for the driver, by the parameter's position, where they do."""
    required: frozenset[str]

    @classmethod
    def of(cls, statement: ClauseElement) -> "Compiled":
        """Compile the statement."""
        compiled = statement.compile(dialect=DIALECT, compile_kwargs={"render_postcompile": True})
        if not isinstance(compiled, SQLCompiler):
            raise TypeError("not a statement that reads or writes rows")
        names = list(compiled.positiontup or ())
        converts = [_encoder(compiled.binds[name].type) for name in names]
        return cls(
            compiled.string,
            [(name, compiled.params[name]) for name in names],
            [(position, convert) for position, convert in enumerate(converts) if convert is not None],
            frozenset(name for name in names if compiled.binds[name].required),
        )

    def check(self, values: Values) -> None:
        """Raise TypeError for a missing or unknown parameter, as a function call does."""
        if values.keys() == self.required:
            return
        missing = self.required - values.keys()
        unknown = values.keys() - {name for name, _ in self.defaults}
        if missing or unknown:
            raise TypeError(
                f"the statement has the parameters {_listed(self.required)}; "
                f"missing: {_listed(missing)}; unknown: {_listed(unknown)}"
            )

    def arguments(self, values: Values) -> list[object]:
        """Return the values in the order of the statement's parameters."""
        found = [values.get(name, default) for name, default in self.defaults]
        for position, convert in self.conversions:
            found[position] = convert(found[position])
        return found


def converters(columns: Iterable[ColumnElement[Any]]) -> Mapping[str, Convert]:
    """Return how SQLAlchemy's types read the driver's values, for the columns where they are not the same."""
    return {
        column.name: convert
        for column in columns
        if (convert := column.type.dialect_impl(DIALECT).result_processor(DIALECT, None)) is not None
    }


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _encoder(kind: TypeEngine[Any]) -> Convert | None:
    return kind.dialect_impl(DIALECT).bind_processor(DIALECT)
