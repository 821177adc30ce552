"""Writes at the speed of the driver: written with SQLAlchemy, compiled once, run in the unit's transaction."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.selectable import Select

from insula.db.engine.unit import Unit
from insula.db.query.compiled import Compiled, Convert, Values, converters

Statement = UpdateBase | Select[*tuple[Any, ...]]


class Writing:
    """A statement with ``bindparam``s for its values; create it once, beside its query.

    For an INSERT, an UPDATE or a DELETE, which may have a RETURNING, and for a SELECT that must run in the transaction.
    With ``INSULA_DATABASE_LEAN_WRITES=false`` the same statement runs on the session.
    """

    def __init__(self, build: Callable[[], Statement]) -> None:
        self._build = build

    async def run(self, unit: Unit, **values: object) -> Sequence[Mapping[str, Any]]:
        """Run the statement; return the rows that it selects or returns.

        Raises IntegrityError for a violated constraint.
        """
        return await self.run_with(unit, values)

    async def run_with(self, unit: Unit, values: Values) -> Sequence[Mapping[str, Any]]:
        """Do the same, with values from a mapping."""
        compiled = self._compiled
        compiled.check(values)
        if not unit.lean_writes:
            found = await (await unit.session.connection()).execute(self._statement, dict(values))
            return [*found.mappings()] if found.returns_rows else []
        records = await (await unit.transaction()).fetch(compiled.sql, compiled.arguments(values))
        if not self._converted:
            return records
        return [
            {**record, **{name: convert(record[name]) for name, convert in self._converted.items()}}
            for record in records
        ]

    async def run_many(self, unit: Unit, all_values: Sequence[Values]) -> None:
        """Run the statement once for each mapping, in a few round trips."""
        compiled = self._compiled
        for values in all_values:
            compiled.check(values)
        if not all_values:
            return
        if unit.lean_writes:
            arguments = [compiled.arguments(values) for values in all_values]
            await (await unit.transaction()).run_many(compiled.sql, arguments)
        else:
            connection = await unit.session.connection()
            await connection.execute(self._statement, [dict(values) for values in all_values])

    @cached_property
    def _statement(self) -> Statement:
        return self._build()

    @cached_property
    def _compiled(self) -> Compiled:
        return Compiled.of(self._statement)

    @cached_property
    def _converted(self) -> Mapping[str, Convert]:
        statement = self._statement
        if isinstance(statement, Select):
            return converters(statement.selected_columns)
        return converters(column for column in statement.exported_columns)
