"""A backup holds every tenant's rows, and a restore brings them back with the same isolation."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from insula.audit.verify import reader, verify
from insula.cli.commands.backup import save
from insula.cli.commands.restore import load
from insula.cli.failing import CommandFailed
from insula.core.settings import AuthSettings, Settings
from insula.db.catalogue.check import findings
from insula.db.engine.pools import Database
from insula.db.engine.roles import role_url
from insula.identity import KeyRing
from tenants.database import TENANTS
from tests.audit.support import append
from tests.support.app import Live
from tests.support.apps import DECLARED
from tests.support.cluster import with_path
from tests.support.factories import Factories

Readback = Callable[..., Awaitable[list[dict[str, object]]]]
OTHER_KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
TABLES = ("tenant", "membership", "entitlement", "user", "plan", "schema_revision")


@pytest.fixture
async def empty(settings: Settings) -> AsyncIterator[Settings]:
    """Return settings for a new, empty database."""
    name = f"restored_{uuid4().hex}"
    admin = await asyncpg.connect(settings.database_url)
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    yield settings.model_copy(update={"database_url": with_path(settings.database_url, name)})
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


async def log(settings: Settings, tenant_id: UUID) -> None:
    database = await Database.open(settings, DECLARED.web_roles)
    await append(database, tenant_id)
    await database.close()


async def test_backup_and_restore_round_trip(
    settings: Settings, empty: Settings, make: Factories, tmp_path: Path
) -> None:
    tenant = await make.tenant()
    await make.member(tenant, "owner")
    await log(settings, tenant.id)
    file = tmp_path / "insula.dump"
    await asyncio.to_thread(save, settings, file)
    await asyncio.to_thread(load, empty, file)
    assert await contents(empty) == await contents(settings)
    assert tenant.slug in str(await contents(empty))
    engine = create_async_engine(make_url(empty.database_url).set(drivername="postgresql+asyncpg"), poolclass=NullPool)
    assert await findings(engine, DECLARED) == []
    async with reader(empty) as connection:
        verdict = await verify(connection, tenant.id)
    assert (verdict.events, verdict.broken) == (1, None)


async def test_a_restored_tenant_is_still_isolated(
    settings: Settings, empty: Settings, make: Factories, tmp_path: Path
) -> None:
    mine, other = await make.tenant(), await make.tenant()
    await asyncio.to_thread(save, settings, tmp_path / "dump")
    await asyncio.to_thread(load, empty, tmp_path / "dump")
    connection = await asyncpg.connect(role_url(empty, TENANTS))
    try:
        assert await connection.fetch("SELECT * FROM tenant") == []
        await connection.execute(f"SET app.tenant_id = '{mine.id}'")
        assert [row["id"] for row in await connection.fetch("SELECT id FROM tenant")] == [mine.id]
        assert await connection.fetch("SELECT * FROM tenant WHERE id = $1", other.id) == []
    finally:
        await connection.close()


async def test_an_installation_with_another_secret_creates_a_signing_key_after_a_restore(
    settings: Settings, empty: Settings, tmp_path: Path, live: Live
) -> None:
    kid = (await live.kernel.keys.signer()).kid
    elsewhere = empty.model_copy(update={"auth": AuthSettings(key_encryption_key=SecretStr(OTHER_KEY))})
    await asyncio.to_thread(save, settings, tmp_path / "dump")
    await asyncio.to_thread(load, elsewhere, tmp_path / "dump")
    database = await Database.open(elsewhere, DECLARED.web_roles)
    try:
        assert (await KeyRing(elsewhere, database).signer()).kid != kid
        assert kid in {key["kid"] for key in await KeyRing(elsewhere, database).jwks()}
    finally:
        await database.close()


async def test_restore_refuses_a_database_that_holds_something(settings: Settings, tmp_path: Path) -> None:
    await asyncio.to_thread(save, settings, tmp_path / "dump")
    with pytest.raises(CommandFailed, match="is not empty"):
        await asyncio.to_thread(load, settings, tmp_path / "dump")


async def test_a_damaged_file_restores_nothing(settings: Settings, empty: Settings, tmp_path: Path) -> None:
    file = tmp_path / "dump"
    await asyncio.to_thread(save, settings, file)
    file.write_bytes(file.read_bytes()[:-20_000])
    with pytest.raises(CommandFailed):
        await asyncio.to_thread(load, empty, file)
    connection = await asyncpg.connect(empty.database_url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    finally:
        await connection.close()


async def contents(settings: Settings) -> dict[str, list[str]]:
    connection = await asyncpg.connect(settings.database_url)
    try:
        return {
            table: sorted(str(row) for row in await connection.fetch(f'SELECT * FROM "{table}"'))  # noqa: S608  our own names
            for table in TABLES
        }
    finally:
        await connection.close()
