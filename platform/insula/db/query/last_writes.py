"""Rows that a transaction inserts last, right before its COMMIT: their locks are held briefly.

One statement inserts a tenant's rows of different tables: a further round trip would hold the locks longer. Each
further row of the same table takes a statement of its own.
"""

from collections.abc import Iterable
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
        found = self._rows if len(self._rows) == 1 else sorted(self._rows, key=_tenant)
        for tenant_id, rows in groupby(found, key=_tenant):
            if unit.tenant_id != tenant_id:
                await unit.enter(tenant_id)
            for batch in _batches(rows):
                tables = tuple((row.table, tuple(row.values)) for row in batch)
                values: dict[str, object] = {}
                for n, row in enumerate(batch):
                    values.update(zip(_names(n, tables[n][1]), row.values.values(), strict=True))
                await _insertion(tables).run_with(unit, values)


def last_writes(unit: Unit) -> LastWrites:
    """Return the last writes of the unit's transaction."""
    if not isinstance(unit.before_commit, LastWrites):
        unit.before_commit = LastWrites()
    return unit.before_commit


@lru_cache(maxsize=_STATEMENTS)
def _insertion(tables: tuple[tuple[Table, tuple[str, ...]], ...]) -> Writing:
    return Writing(lambda: _together([into(table, names, f"r{n}_") for n, (table, names) in enumerate(tables)]))


@lru_cache(maxsize=_STATEMENTS)
def _names(n: int, columns: tuple[str, ...]) -> tuple[str, ...]:
    """Return the parameters of the n-th row of a statement."""
    return tuple(f"r{n}_{name}" for name in columns)


def _together(statements: list[Insert]) -> Insert:
    """Return one statement that inserts all. PostgreSQL runs them in an order of its own."""
    last, *others = statements
    for n, other in enumerate(others):
        last = last.add_cte(other.cte(f"also_{n}"))
    return last


def _batches(rows: Iterable[_Row]) -> Iterable[list[_Row]]:
    """Yield the rows in their order, in batches without two rows of one table."""
    batch: list[_Row] = []
    for row in rows:
        if any(row.table is other.table for other in batch):
            yield batch
            batch = []
        batch.append(row)
    yield batch


def _tenant(row: _Row) -> UUID:
    return row.tenant_id
