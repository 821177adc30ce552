"""Faults 47 and 53: a migration runs during requests, and while a backup or another long reader holds locks."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from insula.cli.commands.backup import save
from insula.core.settings import Settings
from insula.db.migrate.lock_waits import LocksHeld
from insula.db.migrate.run import migrate
from tests.support.app import serving
from tests.support.backends import holding, rows_of
from tests.support.databases import NextVersion, administer, migrated_database
from tests.support.factories import Factories
from tests.support.load import CONNECTIONS, Load
from tests.support.waiting import until

CALLERS = 12  # more than the role has connections
WIDER = "ALTER TABLE rack ALTER COLUMN name TYPE varchar(500)"
APPLIED = "SELECT version_num FROM schema_revision WHERE version_num LIKE 'probe_%'"
LAST_TABLE = ("CREATE TABLE last_of_all ()", "GRANT SELECT ON last_of_all TO insula_backup")
INDEX = "SELECT pg_get_indexdef('ix_rack_name'::regclass) AS index"
LEFTOVERS_OF_A_KILLED_MIGRATION = (
    "CREATE INDEX ix_rack_name ON rack (id)",
    "ALTER TABLE rack ADD CONSTRAINT ck_rack_note CHECK (name <> '') NOT VALID",
)
CHECK = "SELECT convalidated AS valid FROM pg_constraint WHERE conname = 'ck_rack_note'"
INDEX_WAITS = """
    SELECT 1 FROM pg_stat_activity
    WHERE usename = 'insula_owner' AND datname = current_database() AND wait_event = 'virtualxid'
"""
BACKUP_WAITS = """
    SELECT 1 FROM pg_stat_activity
    WHERE usename = 'insula_backup' AND datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.fixture(scope="module")
async def migrated(settings: Settings) -> AsyncIterator[Settings]:
    async with migrated_database(settings) as migrated:
        yield migrated


@pytest.fixture(scope="module")
def address(migrated: Settings) -> Iterator[str]:
    with serving(migrated, 0, INSULA_LOG_LEVEL="ERROR") as address:
        yield address


@pytest.fixture
async def client(address: str, migrated: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of a tenant with a rack."""
    engine = create_async_engine(
        make_url(migrated.database_url).set(drivername="postgresql+asyncpg"), poolclass=NullPool
    )
    make = Factories(engine)
    tenant = await make.tenant(entitlements={"requests_per_minute": 1_000_000, "racks": 10})
    key = await make.api_key(tenant, "rack:create", "rack:read", "rack:update")
    async with httpx.AsyncClient(base_url=address, headers=key.headers, timeout=30, limits=CONNECTIONS) as client:
        assert (await client.post("/api/v1/racks", json={"name": "Temple"})).status_code == 201
        yield client


@pytest.fixture(scope="module")
def next_version(tmp_path_factory: pytest.TempPathFactory) -> NextVersion:
    """Return the next version, to which each test adds revisions; the tests share it and the database."""
    return NextVersion(tmp_path_factory.mktemp("versions"))


async def test_a_change_of_a_type_fails_no_request_on_any_pooled_connection(
    migrated: Settings, client: httpx.AsyncClient, next_version: NextVersion
) -> None:
    load = Load()
    async with load.of((f"reader {number}", lambda: client.get("/api/v1/racks")) for number in range(CALLERS)):
        await load.more(100, 200)
        next_version.add("probe_9901_wider", WIDER)
        await asyncio.to_thread(migrate, migrated, next_version.declared)
        await load.more(200)

    assert set(load.statuses()) == {200}, load.statuses()
    assert await rows_of(migrated, APPLIED) == [{"version_num": "probe_9901_wider"}]
    assert (await client.get("/readyz")).status_code == 200


async def test_during_a_backup_a_migration_waits_and_requests_do_not(
    migrated: Settings, client: httpx.AsyncClient, next_version: NextVersion, tmp_path: Path
) -> None:
    next_version.add("probe_9902_first", "CREATE TABLE first ()")
    next_version.add("probe_9903_second", "CREATE TABLE second ()", "ALTER TABLE rack ADD COLUMN note text")
    progress: list[str] = []
    await administer(migrated, *LAST_TABLE)
    load = Load()
    async with load.of((f"reader {number}", lambda: client.get("/api/v1/racks")) for number in range(CALLERS)):
        async with holding(migrated, "LOCK TABLE last_of_all"):
            backup = asyncio.create_task(asyncio.to_thread(save, migrated, tmp_path / "dump"))
            await until(lambda: waits(migrated, BACKUP_WAITS))
            migration = asyncio.create_task(
                asyncio.to_thread(migrate, migrated, next_version.declared, say=progress.append)
            )
            await until(lambda: sum("a lock is held" in line for line in progress) == 3 or migration.done())
            assert not migration.done()
            assert await rows_of(migrated, APPLIED) == [{"version_num": "probe_9902_first"}]
        await asyncio.gather(backup, migration)
        await load.more(100)

    assert set(load.statuses()) == {200}, load.statuses()
    assert max(sample.seconds for sample in load.samples) < 2, "a request waited 2 s or longer"
    assert await rows_of(migrated, APPLIED) == [{"version_num": "probe_9903_second"}]
    assert "a lock is held by insula_backup (process " in progress[-2], progress
    assert "ALTER TABLE rack ADD COLUMN note text; trying again in" in progress[-2]
    assert (tmp_path / "dump").stat().st_size > 0


async def test_a_migration_gives_up_after_its_time_and_changes_nothing(
    migrated: Settings, client: httpx.AsyncClient, next_version: NextVersion
) -> None:
    next_version.add("probe_9904_third", "CREATE TABLE third ()", "ALTER TABLE rack ADD COLUMN remark text")
    async with holding(migrated, "LOCK TABLE rack IN ACCESS SHARE MODE"):
        with pytest.raises(LocksHeld, match=r"gave up after waiting 0.5 s: a lock is held by .*: ALTER TABLE rack"):
            await asyncio.to_thread(migrate, migrated, next_version.declared, wait=0.5)
        assert await rows_of(migrated, "SELECT to_regclass('third')::text AS third") == [{"third": None}]
        assert (await client.get("/api/v1/racks")).status_code == 200
    await asyncio.to_thread(migrate, migrated, next_version.declared, wait=0.5)
    assert await rows_of(migrated, APPLIED) == [{"version_num": "probe_9904_third"}]


async def test_an_index_and_a_constraint_are_added_during_a_long_read_and_after_a_failed_attempt(
    migrated: Settings, client: httpx.AsyncClient, next_version: NextVersion
) -> None:
    next_version.write("probe_9905_index", 'online.create_index("ix_rack_name", "rack", ["name"])')
    next_version.write("probe_9906_check", 'online.add_constraint("ck_rack_note", "rack", "CHECK (name <> \'\')")')
    await administer(migrated, *LEFTOVERS_OF_A_KILLED_MIGRATION)
    path = f"/api/v1/racks/{(await client.get('/api/v1/racks')).json()['items'][0]['id']}"
    callers = {"reader": lambda: client.get(path), "writer": lambda: client.patch(path, json={"description": "old"})}
    load = Load()
    async with load.of(callers):
        async with holding(migrated, "SELECT count(*) FROM rack"):
            migration = asyncio.create_task(asyncio.to_thread(migrate, migrated, next_version.declared))
            await until(lambda: waits(migrated, INDEX_WAITS))
            await load.more(100, 200)
            assert not migration.done()
        await migration

    assert set(load.statuses()) == {200}, load.statuses()
    assert await rows_of(migrated, APPLIED) == [{"version_num": "probe_9906_check"}]
    assert await rows_of(migrated, INDEX) == [{"index": "CREATE INDEX ix_rack_name ON public.rack USING btree (name)"}]
    assert await rows_of(migrated, CHECK) == [{"valid": True}]


async def waits(settings: Settings, statement: str) -> bool:
    return await rows_of(settings, statement) != []
