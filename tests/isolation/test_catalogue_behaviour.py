"""What the declared rights come to: every app role tries every command on every table of two tenants.

What a role may do is read from ``insula.db.rights``; the tables, from the metadata. Each denial has
its positive control: the same statement on the role's own tenant, or by a right that crosses.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import pytest
from asyncpg import InsufficientPrivilegeError
from sqlalchemy import Table, delete, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.sql import Executable

from insula.db.failures import constraint_of
from insula.db.pools import Database
from insula.db.rights import Command, Right, rights_on
from insula.db.roles import APP_ROLES, DatabaseRole
from insula.ids import new_id
from insula.settings import Settings
from tests.support.factories import Factories
from tests.support.samples import FOLLOWED, Row, populate, populate_global, sample, tenant_of, tenant_tables

ROLES = (*APP_ROLES, DatabaseRole.WORKER)
TABLES = tenant_tables()
OWNED = {table.name for table in TABLES} - {"tenant"}
each_table = pytest.mark.parametrize("table", TABLES, ids=[table.name for table in TABLES])
PARENTED = [table for table in TABLES if {held.referred_table.name for held in table.foreign_key_constraints} & OWNED]
each_role = pytest.mark.parametrize("role", ROLES)


@dataclass(frozen=True)
class Islands:
    """Two tenants with a row in every table, and a way to try a statement as a role of one of them."""

    database: Database
    mine: UUID
    theirs: UUID
    my_rows: dict[str, Row]
    their_rows: dict[str, Row]
    my_parents: dict[str, Row]
    """What a new row of mine may reference: global rows that none references yet."""

    async def touched(self, role: DatabaseRole, statement: Executable, tenant_id: UUID | None) -> int:
        """Return how many rows the statement reaches; nothing is kept."""
        async with self.database.unit(role, tenant_id) as unit:
            connection = await unit.session.connection()
            if role is DatabaseRole.GATE:
                await connection.exec_driver_sql("SET LOCAL transaction_read_only = off")
            result = await connection.execute(statement)
            count = len(result.all()) if result.returns_rows else result.rowcount
            await unit.rollback()
        return count

    async def refused(self, role: DatabaseRole, statement: Executable, tenant_id: UUID | None) -> bool:
        """Tell whether the database refuses the statement for want of a right."""
        try:
            await self.touched(role, statement, tenant_id)
        except DBAPIError as error:
            if error.orig is not None and isinstance(error.orig.__cause__, InsufficientPrivilegeError):
                return True
            raise
        return False


@pytest.fixture(scope="module")
async def islands(settings: Settings) -> AsyncIterator[Islands]:
    url = make_url(settings.database_url).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url, poolclass=NullPool)
    make = Factories(engine)
    mine, theirs = await make.tenant(entitlements={}), await make.tenant(entitlements={})
    async with engine.begin() as connection:
        my_rows = await populate(connection, mine.id)
        their_rows = await populate(connection, theirs.id)
        my_parents = {**my_rows, **await populate_global(connection)}
    database = await Database.open(settings, ROLES)
    yield Islands(database, mine.id, theirs.id, my_rows, their_rows, my_parents)
    await database.close()


def right(role: DatabaseRole, table: Table, command: Command) -> Right | None:
    found = [one for one in rights_on(table.name) if (one.role, one.command) == (role, command)]
    return found[0] if found else None


def bound_by(command: Command) -> pytest.MarkDecorator:
    """Run with each table and role, but where the role's right to whole rows crosses tenants as declared."""
    cases = []
    for table in TABLES:
        for role in ROLES:
            allowed = right(role, table, command)
            if allowed is None or allowed.reach == "tenant" or allowed.columns:
                cases.append(pytest.param(table, role, id=f"{table.name}-{role.value}"))
    return pytest.mark.parametrize(("table", "role"), cases)


def inserted(row: Row, allowed: Right | None) -> Row:
    """Return the columns of ``row`` that the role may name."""
    return {name: value for name, value in row.items() if not (allowed and allowed.columns) or name in allowed.columns}


def statement(table: Table, command: Command, tenant_id: UUID, allowed: Right | None) -> Executable:
    owner = table.c[str(tenant_of(table))]
    if command == "SELECT":
        return select(literal(1)).select_from(table).where(owner == tenant_id)
    if command == "DELETE":
        return delete(table).where(owner == tenant_id)
    column = table.c[allowed.columns[0]] if allowed and allowed.columns else owner
    return update(table).values({column: column}).where(owner == tenant_id)


@each_role
@each_table
@pytest.mark.parametrize("command", ["SELECT", "UPDATE", "DELETE"])
async def test_a_command_reaches_what_is_declared(
    table: Table, role: DatabaseRole, command: Command, islands: Islands
) -> None:
    allowed = right(role, table, command)
    own = statement(table, command, islands.mine, allowed)
    foreign = statement(table, command, islands.theirs, allowed)
    if allowed is None or (table.name == FOLLOWED and command != "SELECT"):
        assert await islands.refused(role, own, islands.mine)
        assert await islands.refused(role, foreign, islands.mine)
    else:
        assert await islands.touched(role, own, islands.mine) >= 1
        assert (await islands.touched(role, foreign, islands.mine) >= 1) == (allowed.reach == "all")
        assert (await islands.touched(role, own, None) >= 1) == (allowed.reach == "all")


@each_role
@each_table
async def test_an_insert_lands_in_the_own_tenant_only(table: Table, role: DatabaseRole, islands: Islands) -> None:
    allowed = right(role, table, "INSERT")
    mine = new_id() if table.name == "tenant" else islands.mine
    theirs = new_id() if table.name == "tenant" else islands.theirs
    own = insert(table).values(inserted(sample(table, mine, islands.my_parents), allowed))
    foreign = insert(table).values(inserted(sample(table, theirs, islands.their_rows), allowed))
    if allowed is None or table.name == FOLLOWED:
        assert await islands.refused(role, own, mine)
    else:
        assert await islands.touched(role, own, mine) == 1
        assert await islands.refused(role, foreign, mine) == (allowed.reach == "tenant")
        assert await islands.refused(role, own, None) == (allowed.reach == "tenant")


@bound_by("UPDATE")
async def test_a_row_cannot_change_hands(table: Table, role: DatabaseRole, islands: Islands) -> None:
    owner = table.c[str(tenant_of(table))]
    given_away = update(table).values({owner: islands.theirs}).where(owner == islands.mine)
    assert await islands.refused(role, given_away, islands.mine)


@bound_by("INSERT")
async def test_an_upsert_onto_a_foreign_row_is_refused_like_any(
    table: Table, role: DatabaseRole, islands: Islands
) -> None:
    taken = islands.their_rows[table.name]
    allowed = right(role, table, "INSERT")
    for there in (taken, sample(table, new_id() if table.name == "tenant" else islands.theirs, islands.their_rows)):
        upsert = insert(table).values(inserted(there, allowed)).on_conflict_do_nothing()
        assert await islands.refused(role, upsert, islands.mine)


@pytest.mark.parametrize("table", PARENTED, ids=[table.name for table in PARENTED])
async def test_a_foreign_parent_is_refused_like_one_that_is_nowhere(table: Table, islands: Islands) -> None:
    role = next(role for role in ROLES if right(role, table, "INSERT"))
    own = insert(table).values(sample(table, islands.mine, islands.my_parents))
    assert await islands.touched(role, own, islands.mine) == 1
    for held in (held for held in table.foreign_key_constraints if held.referred_table.name in OWNED):
        parent = held.referred_table.name
        answers = []
        for row in (islands.their_rows[parent], {**islands.their_rows[parent], "id": new_id()}):
            child = sample(table, islands.mine, {**islands.my_parents, parent: row})
            with pytest.raises(IntegrityError) as refused:
                await islands.touched(role, insert(table).values(child), islands.mine)
            answers.append(constraint_of(refused.value))
        assert answers[0] is not None
        assert answers[0] == answers[1]
