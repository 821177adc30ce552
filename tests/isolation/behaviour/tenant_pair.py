"""Two tenants with a row in every table, and functions that try a statement as any role."""

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Final, Protocol, Self
from uuid import UUID

import asyncpg
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.sql import Executable

from insula.core.settings import Settings
from insula.db.engine.connection import setting_tenant
from insula.db.engine.pools import Database
from insula.db.engine.roles import GATE, OWNER, DatabaseRole
from tests.isolation.behaviour.outcome import Outcome
from tests.isolation.behaviour.subjects import QUEUE, ROLES, Subject, read_subjects
from tests.support.cluster import superuser_url
from tests.support.factories import Factories
from tests.support.samples import Row, populate, populate_global

_WORKED: Final = "WORKD"
# Sends thousands of statements in hundreds of messages. Raises an error to undo a statement that worked.
_TRY_EACH: Final = f"""
DO $$
DECLARE
    statement text;
    outcomes jsonb := '[]';
BEGIN
    FOR statement IN SELECT jsonb_array_elements_text(current_setting('probe.statements')::jsonb) LOOP
        BEGIN
            EXECUTE statement;
            RAISE EXCEPTION USING ERRCODE = '{_WORKED}';
        EXCEPTION WHEN OTHERS THEN
            outcomes := outcomes || jsonb_build_array(jsonb_build_array(SQLSTATE, SQLERRM));
        END;
    END LOOP;
    PERFORM set_config('probe.outcomes', outcomes::text, true);
END
$$
"""
_ACT_FOR: Final = text("SELECT set_config('app.tenant_id', :tenant, true)")
_HAND_IN: Final = text("SELECT set_config('probe.statements', :statements, true)")
_HAND_OUT: Final = text("SELECT current_setting('probe.outcomes')")


class Attempt(Protocol):
    """An attempt in a transaction that is rolled back; returns how many rows it reached."""

    async def __call__(self, connection: asyncpg.Connection) -> int:
        """Run on the driver's connection."""
        ...


@dataclass(frozen=True)
class TenantPair:
    """A row of mine and one of theirs in every table, and a connection for each role."""

    subjects: tuple[Subject, ...]
    mine: UUID
    theirs: UUID
    my_rows: Mapping[str, Row]
    their_rows: Mapping[str, Row]
    my_parents: Mapping[str, Row]
    """Rows that a new row of mine may reference, with global rows that nothing references yet."""
    superuser: AsyncConnection
    connections: Mapping[DatabaseRole, AsyncConnection]

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings) -> AsyncIterator[Self]:
        """Create the tenants and their rows, which stay, and connect."""
        engine = create_async_engine(superuser_url(settings), poolclass=NullPool)
        make = Factories(engine)
        mine, theirs = [(await make.tenant(entitlements={})).id for _ in range(2)]
        async with AsyncExitStack() as stack:
            superuser = await stack.enter_async_context(engine.connect())
            subjects = await read_subjects(superuser)
            my_rows, their_rows = [await _populate(superuser, subjects, tenant_id) for tenant_id in (mine, theirs)]
            my_parents = {**my_rows, **await populate_global(superuser)}
            await superuser.execute(text("ANALYZE"))
            await superuser.commit()
            database = await Database.open(settings, ROLES)
            stack.push_async_callback(database.close)
            connections = {}
            for role in ROLES:
                connection = await stack.enter_async_context(database.engine(role).connect())
                # The pool of the role ``gate`` commits each statement by itself.
                connections[role] = await connection.execution_options(isolation_level="READ COMMITTED")
            yield cls(subjects, mine, theirs, my_rows, their_rows, my_parents, superuser, connections)

    async def attempt(self, role: DatabaseRole, statement: Executable, tenant_id: UUID | None, *before: str) -> Outcome:
        """Try a statement as the role, in a transaction for the tenant that is rolled back."""
        connection = self.connections[role]
        await _begin(connection, role, tenant_id)
        try:
            for setting in before:
                await connection.exec_driver_sql(setting)
            result = await connection.execute(statement)
            return Outcome(len(result.all()) if result.returns_rows else result.rowcount)
        except DBAPIError as error:
            return Outcome.of(error)
        finally:
            await connection.rollback()

    async def attempt_raw(self, role: DatabaseRole, attempt: Attempt, tenant_id: UUID | None) -> Outcome:
        """Do the same with the driver's connection, for statements that SQLAlchemy cannot express."""
        connection = self.connections[role]
        await _begin(connection, role, tenant_id)
        try:
            await connection.exec_driver_sql("SAVEPOINT tried")  # the attempt is rolled back to here
            driver = (await connection.get_raw_connection()).driver_connection
            return Outcome(await attempt(driver))
        except (asyncpg.PostgresError, DBAPIError) as error:
            return Outcome.of(error)
        finally:
            await connection.rollback()

    async def attempt_each(self, role: DatabaseRole, statements: Sequence[str]) -> list[Outcome]:
        """Try each statement by itself, as the role in a transaction of mine; one row means that it works."""
        connection = self.connections[role]
        await _begin(connection, role, self.mine)
        return await _each(connection, statements)

    async def as_owner(self, statement: Executable, tenant_id: UUID | None) -> Outcome:
        """Try a statement as the owner role, which FORCE ROW LEVEL SECURITY binds."""
        await self.superuser.execute(_ACT_FOR, {"tenant": str(tenant_id or "")})
        await self.superuser.execute(text(f"SET LOCAL ROLE {OWNER}"))
        return await self.by_superuser(statement)

    async def each_by_superuser(self, statements: Sequence[str]) -> list[Outcome]:
        """Try each statement without rights and triggers in the way, to show that the statements are valid."""
        await self.superuser.execute(text("SET LOCAL session_replication_role = replica"))
        return await _each(self.superuser, statements)

    async def by_superuser(self, statement: Executable) -> Outcome:
        """Run a statement with every right, to show that it is valid, and roll back."""
        try:
            result = await self.superuser.execute(statement)
            return Outcome(len(result.all()) if result.returns_rows else result.rowcount)
        except DBAPIError as error:
            return Outcome.of(error)
        finally:
            await self.superuser.rollback()


def command(sql: str) -> Attempt:
    """Return an attempt with plain SQL, for commands that a DO block cannot run."""

    async def run(connection: asyncpg.Connection) -> int:
        await connection.execute(sql)
        return 1

    return run


def copy_table(schema: str, table: str, columns: Sequence[str], canary: str) -> Attempt:
    """Return an attempt to COPY a table out; it reaches a row if the canary is seen."""

    async def run(connection: asyncpg.Connection) -> int:
        out = BytesIO()
        await connection.copy_from_table(table, schema_name=schema, columns=columns, output=out)
        return _seen(canary, out)

    return run


def copy_query(sql: str, canary: str) -> Attempt:
    """Return an attempt to COPY a query's rows out; it reaches a row if the canary is seen."""

    async def run(connection: asyncpg.Connection) -> int:
        out = BytesIO()
        await connection.copy_from_query(sql, output=out)
        return _seen(canary, out)

    return run


def _seen(canary: str, copied: BytesIO) -> int:
    return int(canary.encode() in re.split(rb"[\t\n]", copied.getvalue()))


def copy_in(schema: str, table: str, columns: Sequence[str]) -> Attempt:
    """Return an attempt to COPY no rows in: only whether it starts matters."""

    async def run(connection: asyncpg.Connection) -> int:
        await connection.copy_to_table(table, schema_name=schema, columns=columns, source=BytesIO(b""))
        return 1

    return run


async def _begin(connection: AsyncConnection, role: DatabaseRole, tenant_id: UUID | None) -> None:
    if tenant_id is not None:
        await connection.exec_driver_sql(setting_tenant(tenant_id))
    if role == GATE:
        await connection.exec_driver_sql(
            "SET LOCAL transaction_read_only = off"
        )  # so that a refusal comes from rights, not from this setting


async def _each(connection: AsyncConnection, statements: Sequence[str]) -> list[Outcome]:
    try:
        await connection.execute(_HAND_IN, {"statements": json.dumps(statements)})
        await connection.exec_driver_sql(_TRY_EACH)
        outcomes = json.loads((await connection.execute(_HAND_OUT)).scalar_one())
    finally:
        await connection.rollback()
    return [Outcome(1) if state == _WORKED else Outcome(None, state, None, message) for state, message in outcomes]


async def _populate(connection: AsyncConnection, subjects: Sequence[Subject], tenant_id: UUID) -> dict[str, Row]:
    rows = await populate(connection, tenant_id)
    for subject in subjects:
        if str(subject.table) == QUEUE:
            job = subject.sample(tenant_id, rows)
            made = await connection.execute(insert(subject.table).values(job).returning(subject.table.c.id))
            rows[subject.table.name] = {**job, "id": made.scalar_one(), "tenant_id": tenant_id}
    return rows
