"""Changes of access are announced at commit, with ids only; other changes are not."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from insula.core.settings import Settings
from insula.db.engine.connection import CHANNEL
from tests.support.factories import Factories

Announced = Callable[..., Awaitable[list[str]]]


@pytest.fixture
async def announced(settings: Settings) -> AsyncIterator[Announced]:
    """Run a statement as the superuser and return the notifications that listeners receive."""
    url = make_url(settings.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(url)
    received: asyncio.Queue[str] = asyncio.Queue()
    await connection.add_listener(CHANNEL, lambda *message: received.put_nowait(message[3]))

    async def payloads_until(mark: str) -> list[str]:
        found = []
        while (payload := await received.get()) != mark:
            found.append(payload)
        return sorted(found)

    async def run(statement: str, *values: object) -> list[str]:
        # Earlier notifications that are still on their way do not belong to this statement.
        await connection.execute(f"SELECT pg_notify('{CHANNEL}', 'begin')")
        await payloads_until("begin")
        async with connection.transaction():
            await connection.execute(statement, *values)
            await connection.execute(f"SELECT pg_notify('{CHANNEL}', 'end')")
        return await payloads_until("end")

    yield run
    await connection.close()


async def test_a_tenants_change_is_announced(make: Factories, announced: Announced) -> None:
    tenant = await make.tenant(entitlements={"seats": 1})
    domain = await make.domain(tenant, f"{tenant.slug}.example.com")
    payload = [f"tenant:{tenant.id}"]
    assert await announced("UPDATE tenant SET status = 'suspended' WHERE id = $1", tenant.id) == payload
    assert await announced("UPDATE entitlement SET value = 2 WHERE tenant_id = $1", tenant.id) == payload
    assert await announced("UPDATE tenant_domain SET verified_at = NULL WHERE id = $1", domain.id) == payload
    assert await announced("DELETE FROM tenant_domain WHERE id = $1", domain.id) == payload


async def test_a_members_change_is_announced_with_tenant_and_user(make: Factories, announced: Announced) -> None:
    tenant = await make.tenant()
    user = await make.member(tenant)
    payload = [f"tenant:{tenant.id}", f"user:{user.id}"]
    assert await announced("UPDATE membership SET role = 'viewer' WHERE user_id = $1", user.id) == payload
    assert await announced("DELETE FROM membership WHERE user_id = $1", user.id) == payload


async def test_a_users_change_is_announced(make: Factories, announced: Announced) -> None:
    user = await make.staff()
    session = await make.session(user)
    payload = [f"user:{user.id}"]
    assert await announced("UPDATE \"user\" SET status = 'suspended' WHERE id = $1", user.id) == payload
    assert await announced("UPDATE staff SET role = 'support' WHERE user_id = $1", user.id) == payload
    assert await announced("UPDATE auth_session SET revoked_at = now() WHERE id = $1", session) == payload
    assert await announced("DELETE FROM auth_session WHERE id = $1", session) == payload


async def test_a_signing_keys_change_is_announced_without_an_id(make: Factories, announced: Announced) -> None:
    user = await make.user()
    kid = f"test-{user.id.hex}"
    insert = "INSERT INTO signing_key VALUES ($1, 'RS256', '{}', '', now(), now())"
    assert await announced(insert, kid) == ["keys:"]
    assert await announced("DELETE FROM signing_key WHERE kid = $1", kid) == ["keys:"]


async def test_a_change_without_effect_on_access_is_not_announced(make: Factories, announced: Announced) -> None:
    tenant = await make.tenant()
    user = await make.member(tenant)
    session = await make.session(user)
    assert await announced("UPDATE tenant SET updated_at = now() WHERE id = $1", tenant.id) == []
    assert await announced("UPDATE entitlement SET updated_at = now() WHERE tenant_id = $1", tenant.id) == []
    assert await announced("UPDATE auth_session SET last_used_at = now() WHERE id = $1", session) == []
    assert await announced("UPDATE membership SET updated_at = now() WHERE user_id = $1", user.id) == []


async def test_a_keys_change_is_announced_and_its_use_is_not(make: Factories, announced: Announced) -> None:
    made = await make.api_key(await make.tenant(), "rack:read")
    for change in ("name = 'Other'", "actions = '{book:read}'", "revoked_at = now()", "expires_at = now()"):
        assert await announced(f"UPDATE api_key SET {change} WHERE id = $1", made.id) == [f"key:{made.id}"]  # noqa: S608 - ours
    assert await announced("UPDATE api_key SET last_used_at = now() WHERE id = $1", made.id) == []
    assert await announced("DELETE FROM api_key WHERE id = $1", made.id) == [f"key:{made.id}"]
