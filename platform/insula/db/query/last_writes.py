"""Rows that a transaction inserts last, right before its COMMIT: their locks are held briefly.

One statement inserts a tenant's rows of different tables: a further round trip would hold the locks longer. Further
rows of a table take one round trip more for all of them.
"""

from collections.abc import Mapping
from functools import lru_cache
from itertools import groupby
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import Table
from sqlalchemy.sql.dml import Insert

from insula.db.engine.unit import Unit
from insula.db.query.compiled import Values
from insula.db.query.rows import into
from insula.db.query.writing import Writing

_STATEMENTS: Final = 512


class _Row(NamedTuple):
    tenant_id: UUID
    table: Table
    values: Values


class LastWrites:
    """The rows of one transaction; its unit writes them when it commits."""

    __slots__ = ("_rows",)

    def __init__(self) -> None:
        self._rows: list[_Row] = []

    def add(self, tenant_id: UUID, table: Table, values: Values) -> None:
        """Insert this row, bound to this tenant, when the transaction commits."""
        self._rows.append(_Row(tenant_id, table, values))

    async def write(self, unit: Unit) -> None:
        """Insert the rows, with the tenants in a fixed order, so that two transactions cannot deadlock."""
        for tenant_id, rows in groupby(sorted(self._rows, key=_tenant), key=_tenant):
            if unit.tenant_id != tenant_id:
                await unit.enter(tenant_id)
            by_table: dict[Table, list[Values]] = {}
            for row in rows:
                by_table.setdefault(row.table, []).append(row.values)
            for table, found in by_table.items():
                if len(found) > 1:
                    await _insertion(((table, tuple(found[0])),)).run_many(unit, [_numbered(0, v) for v in found[:-1]])
            await _write_together(unit, {table: found[-1] for table, found in by_table.items()})


def last_writes(unit: Unit) -> LastWrites:
    """Return the last writes of the unit's transaction."""
    if not isinstance(unit.before_commit, LastWrites):
        unit.before_commit = LastWrites()
    return unit.before_commit


async def _write_together(unit: Unit, rows: Mapping[Table, Values]) -> None:
    values: dict[str, object] = {}
    for n, row in enumerate(rows.values()):
        values.update(_numbered(n, row))
    await _insertion(tuple((table, tuple(row)) for table, row in rows.items())).run_with(unit, values)


def _numbered(n: int, row: Values) -> Values:
    """Return the values of the n-th row of a statement, by its parameters."""
    return dict(zip(_names(n, tuple(row)), row.values(), strict=True))


@lru_cache(maxsize=_STATEMENTS)
def _insertion(tables: tuple[tuple[Table, tuple[str, ...]], ...]) -> Writing:
    return Writing(lambda: _together([into(table, names, f"r{n}_") for n, (table, names) in enumerate(tables)]))


@lru_cache(maxsize=_STATEMENTS)
def _names(n: int, columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"r{n}_{name}" for name in columns)


def _together(statements: list[Insert]) -> Insert:
    """Return one statement that inserts all. PostgreSQL runs them in an order of its own."""
    last, *others = statements
    for n, other in enumerate(others):
        last = last.add_cte(other.cte(f"also_{n}"))
    return last


def _tenant(row: _Row) -> UUID:
    return row.tenant_id
