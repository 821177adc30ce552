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
class Parameter:
    """A parameter of a statement: its default, and how SQLAlchemy's type prepares its value for the driver."""

    name: str
    default: Any
    convert: Convert | None


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement for the driver. ``required`` names the parameters without a default."""

    sql: str
    parameters: Sequence[Parameter]
    required: frozenset[str]

    @classmethod
    def of(cls, statement: ClauseElement) -> "Compiled":
        """Compile the statement."""
        compiled = statement.compile(dialect=DIALECT, compile_kwargs={"render_postcompile": True})
        if not isinstance(compiled, SQLCompiler):
            raise TypeError("not a statement that reads or writes rows")
        parameters = [
            Parameter(name, compiled.params[name], _encoder(compiled.binds[name].type))
            for name in compiled.positiontup or ()
        ]
        required = frozenset(parameter.name for parameter in parameters if compiled.binds[parameter.name].required)
        return cls(compiled.string, parameters, required)

    def check(self, values: Values) -> None:
        """Raise TypeError for a missing or unknown parameter, as a function call does."""
        if values.keys() == self.required:
            return
        missing = self.required - values.keys()
        unknown = values.keys() - {parameter.name for parameter in self.parameters}
        if missing or unknown:
            raise TypeError(
                f"the statement has the parameters {_listed(self.required)}; "
                f"missing: {_listed(missing)}; unknown: {_listed(unknown)}"
            )

    def arguments(self, values: Values) -> list[object]:
        """Return the values in the order of the statement's parameters."""
        found: list[object] = []
        for parameter in self.parameters:
            value = values.get(parameter.name, parameter.default)
            found.append(value if parameter.convert is None else parameter.convert(value))
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
