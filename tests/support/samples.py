"""Generates a row for every table of a tenant from the metadata alone, so that new tables are covered.

Loading the installation (``tests.support.apps``) fills the metadata.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache, partial
from itertools import chain
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Table, UniqueConstraint, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from insula.core import clock
from insula.core.ids import new_id
from insula.db.schema.grants import tenant_column
from tests.support.apps import TABLES

Row = dict[str, object]

FOLLOWED: Final = frozenset({"audit_head", "tenant_usage"})
"""Only triggers on other tables insert their rows."""

_TOGETHER: Final[Mapping[str, Row]] = {
    "email_token": {"purpose": "reset"},
    "invitation": {"role": "member"},
    "membership": {"role": "member"},
}
"""Constraints across columns: a reset holds no registration, and built-in roles have fixed names."""

_COMPUTED_FROM: Final = re.compile(r"ELSE (\w+) END$")
_MADE: Final[Mapping[type, Callable[[], object]]] = {
    UUID: new_id,
    str: lambda: f"sample-{new_id().hex}",
    int: lambda: 1,
    bool: lambda: False,  # a plan that is not offered, since global rows are not removed
    bytes: lambda: new_id().bytes,
    datetime: lambda: clock.now(),  # noqa: PLW0108 - looked up at each call: tests set the clock
    list: lambda: ["sample"],
    object: dict,  # JSON
}

_ONE_OF: Final = re.compile(r"(\w+) in \('([^']+)'", re.IGNORECASE)


def referring_to(table: str) -> frozenset[str]:
    """Return the columns, of any table, that hold the id of a row of ``table`` in the same tenant."""
    return frozenset(
        element.parent.name
        for reference in chain.from_iterable(each.foreign_key_constraints for each in TABLES)
        for element in reference.elements
        if reference.referred_table.name == table and element.parent.name != "tenant_id"
    )


def tenant_of(table: Table) -> str | None:
    """Return the column with the row's tenant."""
    return tenant_column(table.name, set(table.columns.keys()))


def sample(table: Table, tenant_id: UUID, parents: Mapping[str, Row]) -> Row:
    """Return a new row of the tenant, which references ``parents`` by table."""
    row = {name: made() for name, made in _makers(table).items()}
    row |= _TOGETHER.get(table.name, {})
    for reference in table.foreign_key_constraints:
        parent = parents.get(reference.referred_table.name)
        if parent is not None and all(element.parent.computed is None for element in reference.elements):
            row |= referring(reference, parent)
    owner = tenant_of(table)
    return row if owner is None else {**row, owner: tenant_id}


def referring(reference: ForeignKeyConstraint, parent: Row) -> Row:
    """Return the columns with which a row references ``parent``, also through a computed column."""
    return {_settable(element.parent): parent[element.column.name] for element in reference.elements}


def _settable(column: Column[object]) -> str:
    if column.computed is None:
        return column.name
    source = _COMPUTED_FROM.search(str(column.computed.sqltext))
    if source is None:
        raise ValueError(f"{column}: let the test know from which column {column.computed.sqltext} is computed")
    return source[1]


async def populate(connection: AsyncConnection, tenant_id: UUID) -> dict[str, Row]:
    """Insert a row into every table of the tenant, and into the global ones that they reference."""
    rows: dict[str, Row] = {}
    for table in sorted(TABLES, key=lambda table: table.name in FOLLOWED):
        found = await _existing(connection, table, tenant_id)
        if found is None:
            found = sample(table, tenant_id, rows)
            await connection.execute(table.insert().values(found))
        rows[table.name] = found
    return rows


async def populate_global(connection: AsyncConnection) -> dict[str, Row]:
    """Insert an unreferenced row into every global table without references."""
    rows: dict[str, Row] = {}
    for table in TABLES:
        if tenant_of(table) is None and not table.foreign_key_constraints:
            rows[table.name] = sample(table, new_id(), rows)
            await connection.execute(table.insert().values(rows[table.name]))
    return rows


async def _existing(connection: AsyncConnection, table: Table, tenant_id: UUID) -> Row | None:
    if table.name not in {"tenant", *FOLLOWED}:
        return None
    if table.name in FOLLOWED:  # the counters are written at COMMIT
        await connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    found = await connection.execute(select(table).where(table.c[str(tenant_of(table))] == tenant_id).limit(1))
    return dict(found.mappings().one())


@cache
def _makers(table: Table) -> Mapping[str, Callable[[], object]]:
    """Return a function for a value of each column that is not computed; cached, as deriving it is slow."""
    return {column.name: _maker(table, column) for column in table.columns if column.computed is None}


def _maker(table: Table, column: Column[object]) -> Callable[[], object]:
    unique = [held for held in table.constraints if isinstance(held, UniqueConstraint) and column.name in held.columns]
    if column.nullable and not unique:
        return lambda: None
    for constraint in table.constraints:
        if isinstance(constraint, CheckConstraint):
            named = _ONE_OF.match(str(constraint.sqltext).replace('"', ""))
            if named is not None and named[1] == column.name:
                return partial(str, named[2])
    return _MADE[column.type.python_type]
