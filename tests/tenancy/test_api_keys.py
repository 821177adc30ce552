"""The directory's cache of API keys: current within a second, even during a flood of unknown keys."""

import anyio
import pytest
from sqlalchemy import event

from insula.core.ids import TenantId, new_id
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.engine.roles import GATE
from insula.identity.credentials.api_keys import digest_of
from insula.tenancy import Directory
from tests.support.factories import Factories, MadeKey, TenantRow


@pytest.fixture
async def tenant(make: Factories) -> TenantRow:
    return await make.tenant(plan="pro")


@pytest.fixture
async def made(make: Factories, tenant: TenantRow) -> MadeKey:
    return await make.api_key(tenant, "rack:read", "book:read")


@pytest.fixture
def queries(database: Database) -> list[str]:
    """Record the statements of the gate role."""
    sent: list[str] = []
    engine = database.engine(GATE).sync_engine
    event.listen(engine, "before_cursor_execute", lambda *arguments: sent.append(str(arguments[2])))
    return sent


async def test_a_key_is_read_in_one_statement(
    directory: Directory, tenant: TenantRow, made: MadeKey, queries: list[str]
) -> None:
    found = [await directory.api_key(TenantId(tenant.id), made.id) for _ in range(3)]
    assert len(queries) == 1
    assert found[0] == found[1] == found[2]
    assert found[0] is not None
    assert (found[0].key_id, found[0].name, set(found[0].actions)) == (made.id, "Made", {"rack:read", "book:read"})
    assert (found[0].tenant.slug, found[0].tenant.entitlements["requests_per_minute"]) == (tenant.slug, 6_000)
    assert found[0].accepts(digest_of(made.key), 0.0)


async def test_concurrent_lookups_share_one_read(
    directory: Directory, tenant: TenantRow, made: MadeKey, queries: list[str]
) -> None:
    async with anyio.create_task_group() as group:
        for _ in range(50):
            group.start_soon(directory.api_key, TenantId(tenant.id), made.id)
    assert len(queries) == 1


@pytest.mark.parametrize("subject", ["key", "tenant"])
async def test_a_change_drops_the_cached_key(
    directory: Directory, tenant: TenantRow, made: MadeKey, queries: list[str], subject: str
) -> None:
    directory.listener_alive = True
    await directory.api_key(TenantId(tenant.id), made.id)
    directory.notify(f"{subject}:{new_id()}")
    await directory.api_key(TenantId(tenant.id), made.id)
    assert len(queries) == 1
    directory.notify(f"{subject}:{made.id if subject == 'key' else tenant.id}")
    await directory.api_key(TenantId(tenant.id), made.id)
    assert len(queries) == 2


async def test_a_payload_that_names_no_key_flushes(
    directory: Directory, tenant: TenantRow, made: MadeKey, queries: list[str]
) -> None:
    directory.listener_alive = True
    await directory.api_key(TenantId(tenant.id), made.id)
    directory.notify("key:what")
    await directory.api_key(TenantId(tenant.id), made.id)
    assert len(queries) == 2


async def test_unknown_keys_evict_no_valid_one(
    settings: Settings, database: Database, tenant: TenantRow, made: MadeKey, queries: list[str]
) -> None:
    directory = Directory(settings, database, size=1)
    directory.listener_alive = True
    assert await directory.api_key(TenantId(tenant.id), made.id) is not None
    strangers = [new_id() for _ in range(5)]
    for key_id in strangers * 2:
        assert await directory.api_key(TenantId(tenant.id), key_id) is None
    assert await directory.api_key(TenantId(tenant.id), made.id) is not None
    assert len(queries) == 1 + len(strangers)
    await directory.close()


async def test_a_key_is_not_found_under_another_tenants_id(
    directory: Directory, tenant: TenantRow, made: MadeKey, make: Factories
) -> None:
    other = await make.tenant()
    assert await directory.api_key(TenantId(other.id), made.id) is None
    assert await directory.api_key(TenantId(tenant.id), made.id) is not None


async def test_a_failed_read_is_retried_by_the_next_lookup(
    directory: Directory, database: Database, tenant: TenantRow, made: MadeKey
) -> None:
    engine = database.engine(GATE).sync_engine

    def fail(*_: object) -> None:
        raise ConnectionResetError

    event.listen(engine, "before_cursor_execute", fail)
    with pytest.raises(ConnectionResetError):
        await directory.api_key(TenantId(tenant.id), made.id)
    event.remove(engine, "before_cursor_execute", fail)
    assert await directory.api_key(TenantId(tenant.id), made.id) is not None
