"""Triggers count quotas: each declared table has them, and a migration adds missing ones."""

from collections.abc import AsyncIterator
from dataclasses import replace
from types import MappingProxyType
from uuid import UUID

import pytest
from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from insula.core.settings import Settings
from insula.db.catalogue.check import findings
from insula.db.migrate.run import migrate
from insula.db.schema.base import metadata
from tests.support.apps import DECLARED
from tests.support.cluster import superuser_url
from tests.support.databases import administer, migrated_database
from tests.support.factories import Factories
from tests.support.samples import Row, populate, sample

UNCOUNTED = "membership"
GROWN = replace(DECLARED, counted=MappingProxyType({**DECLARED.counted, UNCOUNTED: "probe"}))


@pytest.fixture(scope="module")
async def migrated(settings: Settings) -> AsyncIterator[Settings]:
    async with migrated_database(settings) as migrated:
        yield migrated


@pytest.fixture
async def engine(migrated: Settings) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(superuser_url(migrated), poolclass=NullPool)
    yield engine
    await engine.dispose()


@pytest.fixture
async def workers(settings: Settings) -> AsyncIterator[AsyncEngine]:
    """Connect to the database that all tests of this pytest worker share, so that dropped triggers are noticed."""
    engine = create_async_engine(superuser_url(settings), poolclass=NullPool)
    yield engine
    await engine.dispose()


async def tenant_with_rows(engine: AsyncEngine) -> tuple[UUID, dict[str, Row]]:
    tenant = await Factories(engine).tenant(entitlements={})
    async with engine.begin() as connection:
        return tenant.id, await populate(connection, tenant.id)


async def used(connection: AsyncConnection, tenant_id: UUID) -> dict[str, int]:
    query = text("SELECT resource, used FROM tenant_usage WHERE tenant_id = :id")
    return {row.resource: row.used for row in await connection.execute(query, {"id": tenant_id})}


def key(table: Table, row: Row) -> str:
    return " AND ".join(f"{column.name} = '{row[column.name]}'" for column in table.primary_key.columns)


@pytest.mark.parametrize("name", DECLARED.counted)
async def test_an_insert_or_delete_is_counted(name: str, workers: AsyncEngine) -> None:
    table, quota = metadata.tables[name], DECLARED.counted[name]
    tenant_id, parents = await tenant_with_rows(workers)
    async with workers.begin() as connection:
        await connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        before = (await used(connection, tenant_id))[quota]
        row = sample(table, tenant_id, {other: found for other, found in parents.items() if other != name})
        await connection.execute(table.insert().values(row))
        assert (await used(connection, tenant_id))[quota] == before + 1
        await connection.execute(text(f'DELETE FROM "{name}" WHERE {key(table, row)}'))  # noqa: S608  # declared names
        assert (await used(connection, tenant_id))[quota] == before


async def test_a_missing_trigger_is_found_and_rows_are_recounted(migrated: Settings, engine: AsyncEngine) -> None:
    name, quota = next(iter(DECLARED.counted.items()))
    tenant_id, _ = await tenant_with_rows(engine)
    async with engine.connect() as connection:
        there = (await used(connection, tenant_id))[quota]
    await administer(
        migrated, f"DROP TRIGGER settled ON {name}", "ALTER TABLE tenant_usage DISABLE TRIGGER only_by_count"
    )
    await administer(
        migrated,
        f"UPDATE tenant_usage SET used = 90 WHERE resource = '{quota}'",  # noqa: S608  # a declared name
        "ALTER TABLE tenant_usage ENABLE TRIGGER only_by_count",
    )
    assert await findings(engine, DECLARED) == [f"{name}: the trigger settled is missing"]

    migrate(migrated, DECLARED)

    assert await findings(engine, DECLARED) == []
    async with engine.connect() as connection:
        assert (await used(connection, tenant_id))[quota] == there


async def test_a_newly_counted_table_gets_the_count_of_its_rows(migrated: Settings, engine: AsyncEngine) -> None:
    many, _ = await tenant_with_rows(engine)
    none = (await Factories(engine).tenant(entitlements={})).id
    assert f"{UNCOUNTED}: the trigger counted is missing" in await findings(engine, GROWN)

    migrate(migrated, GROWN)

    assert await findings(engine, GROWN) == []
    assert f"{UNCOUNTED}: the trigger settled counts rows, which is not declared" in await findings(engine, DECLARED)
    async with engine.connect() as connection:
        assert (await used(connection, many))["probe"] == 1
        assert (await used(connection, none))["probe"] == 0
    await administer(migrated, *(f"DROP TRIGGER {name} ON {UNCOUNTED}" for name in ("counted", "settled")))
