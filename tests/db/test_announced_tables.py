"""Every table that decides about access announces its changes: each table's triggers fire."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final

import asyncpg
import pytest
from sqlalchemy import Table, insert, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from insula.core.ids import new_id
from insula.core.settings import Settings
from insula.db.engine.connection import CHANNEL
from insula.db.schema.base import metadata
from tests.conftest import Row
from tests.support.cluster import superuser_url
from tests.support.factories import Factories
from tests.support.samples import populate, sample

CHANGES: Final[Mapping[str, str]] = {
    "tenant": "name = 'Changed'",
    "tenant_domain": "verified_at = now()",
    "tenant_slug": "retired_at = now()",
    "user": "name = 'Changed'",
    "staff": "role = CASE role WHEN 'auditor' THEN 'support' ELSE 'auditor' END",
    "auth_session": "revoked_at = now()",
    "signing_key": "retired_at = now()",
    "membership": "role = 'viewer'",
    "entitlement": "value = value + 1",
    "api_key": "revoked_at = now()",
    "custom_role": "permissions = ARRAY['book:read']",
    "oauth_client": "revoked_at = now()",
    "first_party_client": "revoked_at = now()",
}
"""A change of access for each table that decides about access."""

_INSERTED_BY_TEST: Final = "tenant"  # cannot be deleted, because other rows reference it


@dataclass(frozen=True)
class Listener:
    """Listens for the notifications of a statement's transaction."""

    engine: AsyncEngine
    connection: asyncpg.Connection
    payloads: asyncio.Queue[str]

    async def during(self, statement: str, values: Row) -> set[str]:
        """Run the statement and return only the notifications that it caused."""
        await self._until("begin")
        async with self.engine.begin() as connection:
            assert (await connection.execute(text(statement), values)).rowcount == 1
        return await self._until("end")

    async def _until(self, mark: str) -> set[str]:
        await self.connection.execute(f"SELECT pg_notify('{CHANNEL}', '{mark}')")
        found = set()
        while (payload := await self.payloads.get()) != mark:
            found.add(payload)
        return found


@pytest.fixture
async def listener(settings: Settings) -> AsyncIterator[Listener]:
    url = superuser_url(settings)
    engine = create_async_engine(url)
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    payloads: asyncio.Queue[str] = asyncio.Queue()
    await connection.add_listener(CHANNEL, lambda *message: payloads.put_nowait(message[3]))
    yield Listener(engine, connection, payloads)
    await connection.close()
    await engine.dispose()


async def fresh(connection: AsyncConnection, table: Table, make: Factories) -> Row:
    """Return a row of the table that nothing references yet; not inserted."""
    tenant = await make.tenant(entitlements={})
    parents = await populate(connection, tenant.id)
    parents["user"] = sample(metadata.tables["user"], tenant.id, {})
    await connection.execute(insert(metadata.tables["user"]).values(parents["user"]))
    owner = new_id() if table.name == _INSERTED_BY_TEST else tenant.id
    return sample(table, owner, {name: row for name, row in parents.items() if name != table.name})


def condition(table: Table) -> str:
    return " AND ".join(f"{column.name} = :{column.name}" for column in table.primary_key.columns)


def key_of(table: Table, row: Row) -> Row:
    return {column.name: row[column.name] for column in table.primary_key.columns}


@pytest.mark.parametrize("name", CHANGES)
async def test_a_change_is_announced(name: str, listener: Listener, make: Factories) -> None:
    table = metadata.tables[name]
    async with listener.engine.begin() as connection:
        row = await fresh(connection, table, make)
        await connection.execute(insert(table).values(row))
    statement = f'UPDATE "{name}" SET {CHANGES[name]} WHERE {condition(table)}'  # noqa: S608 - constants of this file
    assert await listener.during(statement, key_of(table, row))


@pytest.mark.parametrize("name", CHANGES)
async def test_an_insert_or_delete_is_announced(name: str, listener: Listener, make: Factories) -> None:
    table = metadata.tables[name]
    async with listener.engine.begin() as connection:
        row = await fresh(connection, table, make)
        if name != _INSERTED_BY_TEST:
            await connection.execute(insert(table).values(row))
    if name == _INSERTED_BY_TEST:
        columns, values = ", ".join(row), ", ".join(f":{column}" for column in row)
        assert await listener.during(f"INSERT INTO {name} ({columns}) VALUES ({values})", row)  # noqa: S608 - likewise
    else:
        assert await listener.during(f'DELETE FROM "{name}" WHERE {condition(table)}', key_of(table, row))  # noqa: S608 - as above


async def test_every_table_with_an_announcing_trigger_is_tested(listener: Listener) -> None:
    found = "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgfoid = 'notify_access'::regproc"
    async with listener.engine.connect() as connection:
        announcing = {name.strip('"') for name in (await connection.execute(text(found))).scalars()}
    assert announcing == set(CHANGES)
