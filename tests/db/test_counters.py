"""Counters of rows are exact whatever a transaction does, and are locked once a transaction."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool
from sqlmodel import select

from insula.cli.commands.backup import save
from insula.cli.commands.restore import load
from insula.core.settings import Settings
from insula.db.catalogue.check import findings
from insula.db.engine.pools import Database
from insula.db.migrate.run import alembic_config, as_owner, migrate
from insula.db.query import rows
from insula.db.query.reading import Reading
from tenants.database import TENANTS
from tests.probe.racks.models import Rack
from tests.support.apps import DECLARED
from tests.support.backends import Readback
from tests.support.cluster import superuser_url, with_path
from tests.support.databases import administer, migrated_database
from tests.support.exact import wrong_counters
from tests.support.factories import Factories, TenantRow

BEFORE = "kernel_0002_actor_kinds"
ONE = Reading(Rack, lambda: select(Rack).where(Rack.name == "Of one"))
UPDATES = text("SELECT pg_stat_get_xact_tuples_updated('tenant_usage'::regclass)")
USED = "SELECT used FROM tenant_usage WHERE tenant_id = :id AND resource = 'racks'"
ADD = (
    "INSERT INTO rack (tenant_id, id, created_at, updated_at, version, name, name_key, description, status) "
    "SELECT '{}', gen_random_uuid(), now(), now(), 1, '{}' || n, '', '', 'active' FROM"
)


@pytest.fixture
async def tenant(make: Factories) -> TenantRow:
    return await make.tenant(entitlements={"racks": 10_000})


async def used(readback: Readback, tenant: TenantRow) -> object:
    found = await readback(USED, id=tenant.id)
    return found[0]["used"] if found else None


async def test_a_savepoint_that_is_rolled_back_is_not_counted(
    database: Database, tenant: TenantRow, readback: Readback
) -> None:
    async with database.unit(TENANTS, tenant.id) as unit:
        await rows.create(unit, Rack, name="Kept")
        outer = await unit.session.begin_nested()
        await rows.create(unit, Rack, name="Undone by the outer savepoint")
        inner = await unit.session.begin_nested()
        await rows.create_all(unit, Rack, [{"name": f"Released {n}"} for n in range(3)])
        await inner.commit()
        await outer.rollback()
        released = await unit.session.begin_nested()
        await rows.create(unit, Rack, name="Released")
        await released.commit()
    assert await used(readback, tenant) == 2


async def test_rows_of_two_tenants_in_one_transaction_are_counted_for_each(
    database: Database, make: Factories, tenant: TenantRow, readback: Readback
) -> None:
    other = await make.tenant(entitlements={})
    async with database.unit(TENANTS, tenant.id) as unit:
        await rows.create(unit, Rack, name="One")
        await unit.enter(other.id)
        await rows.create_all(unit, Rack, [{"name": f"{n}"} for n in range(3)])
        await unit.enter(tenant.id)
        await rows.create(unit, Rack, name="Two")
        await unit.enter(other.id)
    assert (await used(readback, tenant), await used(readback, other)) == (2, 3)


async def test_a_quota_bounds_only_the_tenant_that_it_is_checked_for(
    database: Database, make: Factories, tenant: TenantRow, readback: Readback
) -> None:
    other = await make.tenant(entitlements={})
    async with database.unit(TENANTS, tenant.id) as unit:
        await rows.create(unit, Rack, name="One")
        await unit.enter(other.id)
        await rows.create_all(unit, Rack, [{"name": f"{n}"} for n in range(3)])
        unit.set_at_commit("granted_racks", f"{tenant.id}:1")
    assert (await used(readback, tenant), await used(readback, other)) == (1, 3)


async def test_the_tenant_that_was_entered_is_restored_after_a_count(
    database: Database, make: Factories, tenant: TenantRow
) -> None:
    other = await make.tenant(entitlements={})
    async with database.unit(TENANTS, tenant.id) as unit:
        await rows.create(unit, Rack, name="One")
        await unit.enter(other.id)
        transaction = await unit.transaction()
        await transaction.driver.execute("SET CONSTRAINTS ALL IMMEDIATE")
        [row] = await transaction.fetch("SELECT current_setting('app.tenant_id') AS id", [])
        assert row["id"] == str(other.id)
        await unit.enter(tenant.id)
        [row] = await transaction.fetch("SELECT used FROM tenant_usage WHERE resource = 'racks'", [])
        assert row["used"] == 1


async def test_a_tenant_deleted_with_its_rows_has_none_counted(
    settings: Settings, tenant: TenantRow, make: Factories, readback: Readback
) -> None:
    other = await make.tenant(entitlements={})
    await make.row("rack", tenant)
    await make.row("rack", other)
    engine = create_async_engine(superuser_url(settings), poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.execute(text(ADD.format(tenant.id, "New") + " generate_series(1, 3) AS n"))
        await connection.execute(text(f"DELETE FROM rack WHERE tenant_id = '{tenant.id}'"))  # noqa: S608 - our own id
        await connection.execute(text(f"DELETE FROM entitlement WHERE tenant_id = '{tenant.id}'"))  # noqa: S608 - as above
        await connection.execute(text(f"DELETE FROM tenant WHERE id = '{tenant.id}'"))  # noqa: S608 - as above
    assert (await used(readback, tenant), await used(readback, other)) == (0, 1)
    await engine.dispose()


async def test_a_thousand_rows_change_the_counter_once(
    settings: Settings, tenant: TenantRow, make: Factories, readback: Readback
) -> None:
    await make.row("rack", tenant)
    engine = create_async_engine(superuser_url(settings), poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.execute(text(ADD.format(tenant.id, "New") + " generate_series(1, 1000) AS n"))
        assert (await connection.execute(UPDATES)).scalar_one() == 0
        await connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        assert (await connection.execute(UPDATES)).scalar_one() == 1
    await engine.dispose()
    assert await used(readback, tenant) == 1_001


@pytest.fixture
async def scratch(settings: Settings) -> AsyncIterator[Settings]:
    async with migrated_database(settings) as own:
        yield own


async def _engine_of(settings: Settings) -> AsyncEngine:
    return create_async_engine(superuser_url(settings), poolclass=NullPool)


async def _write(settings: Settings, tenant_id: UUID, name: str) -> None:
    """Add three racks and delete one of them, with whatever triggers there are."""
    await administer(
        settings,
        ADD.format(tenant_id, name) + " generate_series(1, 3) AS n",
        f"DELETE FROM rack WHERE tenant_id = '{tenant_id}' AND name = '{name}1'",  # noqa: S608 - our own names
    )


async def _wrong(settings: Settings, *tenants: UUID) -> list[dict[str, object]]:
    engine = await _engine_of(settings)

    async def read(statement: str, **values: object) -> list[dict[str, object]]:
        async with engine.connect() as connection:
            return [dict(row) for row in (await connection.execute(text(statement), values)).mappings()]

    try:
        assert [row["used"] for tenant_id in tenants for row in await read(USED, id=tenant_id)] != []
        return await wrong_counters(read, tenants)
    finally:
        await engine.dispose()


async def test_counters_stay_exact_over_an_upgrade_and_a_downgrade(scratch: Settings) -> None:
    engine = await _engine_of(scratch)
    tenants = [(await Factories(engine).tenant(entitlements={})).id for _ in range(2)]
    for round_ in range(2):
        as_owner(scratch, lambda connection: command.downgrade(alembic_config(DECLARED, connection), BEFORE))
        for tenant_id in tenants:
            await _write(scratch, tenant_id, f"Of the old triggers {round_} ")
        assert await _wrong(scratch, *tenants) == []
        await asyncio.to_thread(migrate, scratch, DECLARED)
        assert await findings(engine, DECLARED) == []
        for tenant_id in tenants:
            await _write(scratch, tenant_id, f"Of the new triggers {round_} ")
        assert await _wrong(scratch, *tenants) == []
    await _write_as_app(scratch, *tenants)
    assert await _wrong(scratch, *tenants) == []
    await engine.dispose()


async def test_an_upgrade_keeps_the_name_of_each_quota(scratch: Settings) -> None:
    as_owner(scratch, lambda connection: command.downgrade(alembic_config(DECLARED, connection), BEFORE))
    counting = "TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_usage('level_100'"
    await administer(
        scratch,
        f"CREATE TRIGGER counted_in AFTER INSERT ON membership REFERENCING NEW {counting}, '1')",
        f"CREATE TRIGGER counted_out AFTER DELETE ON membership REFERENCING OLD {counting}, '-1')",
    )
    await asyncio.to_thread(migrate, scratch, DECLARED)
    engine = await _engine_of(scratch)
    triggers = text("SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'membership'::regclass")
    async with engine.connect() as connection:
        found = [definition for definition in (await connection.execute(triggers)).scalars() if "_usage(" in definition]
    await engine.dispose()
    assert sorted(definition.rpartition(" ")[2] for definition in found) == [
        "note_usage('level_100')",
        "settle_usage('level_100')",
    ]


async def _write_as_app(settings: Settings, one: UUID, other: UUID) -> None:
    """Write rows of both tenants under row-level security, and one row more than a quota grants."""
    database = await Database.open(settings, [TENANTS])
    async with database.unit(TENANTS, other) as unit:
        await rows.create_all(unit, Rack, [{"name": f"Of the other {n}"} for n in range(3)])
        await unit.enter(one)
        await rows.create(unit, Rack, name="Of one")
        await unit.enter(other)
        await (await unit.transaction()).driver.execute("SET CONSTRAINTS ALL IMMEDIATE")
        await rows.create(unit, Rack, name="After the count")
    async with database.unit(TENANTS, one) as unit:
        [rack] = await ONE.all(unit)
        await rows.delete(unit, rack)
        await rows.create(unit, Rack, name="In its place")
        unit.set_at_commit("granted_racks", f"{one}:0")
    unit = database.unit(TENANTS, one)
    await rows.create(unit, Rack, name="Too many")
    unit.set_at_commit("granted_racks", f"{one}:0")
    with pytest.raises(IntegrityError, match="more racks than the tenant is granted"):
        await unit.commit()
    await unit.close()
    await database.close()


async def test_a_restored_database_counts_on_from_its_counters(
    settings: Settings, make: Factories, tmp_path: Path
) -> None:
    tenant = await make.tenant(entitlements={})
    await _write(settings, tenant.id, "Saved ")
    await asyncio.to_thread(save, settings, tmp_path / "dump")
    name = f"restored_{uuid4().hex}"
    await administer(settings, f"CREATE DATABASE {name} TEMPLATE template0")
    restored = settings.model_copy(update={"database_url": with_path(settings.database_url, name)})
    try:
        await asyncio.to_thread(load, restored, tmp_path / "dump")
        await _write(restored, tenant.id, "Restored ")
        assert await _wrong(restored, tenant.id) == []
        connection = await asyncpg.connect(restored.database_url)
        racks = "SELECT used FROM tenant_usage WHERE tenant_id = $1 AND resource = 'racks'"
        assert await connection.fetchval(racks, tenant.id) == 4
        await connection.close()
    finally:
        await administer(settings, f"DROP DATABASE {name} WITH (FORCE)")
