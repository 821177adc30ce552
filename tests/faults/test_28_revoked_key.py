"""Fault 28, for API keys: the end of a key takes effect on every process within a second."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from insula.core import clock
from insula.core.settings import Settings
from tests.support.app import SignIn, serving
from tests.support.factories import Factories, MadeKey, TenantRow
from tests.support.waiting import answers
from tests.tenants.support import Caller, Readback, joined

RACKS = "/api/v1/racks"


@pytest.fixture(scope="module")
def elsewhere(settings: Settings) -> object:
    """Run another process."""
    with serving(settings) as address:
        yield address


@pytest.fixture
async def other(elsewhere: str, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of the other process."""
    host = settings.public_url.partition("//")[2]
    async with httpx.AsyncClient(base_url=elsewhere, headers={"Host": host}) as client:
        yield client


@pytest.fixture
async def tenant(make: Factories) -> TenantRow:
    return await make.tenant(plan="pro")


@pytest.fixture
async def owner(client: httpx.AsyncClient, make: Factories, sign_in: SignIn, tenant: TenantRow) -> Caller:
    return await joined(client, make, sign_in, tenant)


async def warm(client: httpx.AsyncClient, *keys: MadeKey) -> None:
    """Use each key, so that the process caches it."""
    for key in keys:
        assert (await client.get(RACKS, headers=key.headers)).status_code == 200


async def test_a_revoked_key_is_refused(
    other: httpx.AsyncClient, owner: Caller, make: Factories, tenant: TenantRow
) -> None:
    revoked, kept = [await make.api_key(tenant, "rack:read") for _ in range(2)]
    await warm(other, revoked, kept)
    await warm(owner.client, revoked, kept)

    assert (await owner.delete(f"/api-keys/{revoked.id}")).status_code == 204

    await answers(401, lambda: other.get(RACKS, headers=revoked.headers))
    await answers(401, lambda: owner.client.get(RACKS, headers=revoked.headers))
    await warm(other, kept)


async def test_a_secret_rotated_without_overlap_is_refused(
    other: httpx.AsyncClient, owner: Caller, make: Factories, tenant: TenantRow
) -> None:
    made = await make.api_key(tenant, "rack:read")
    await warm(other, made)

    rotated = await owner.post(f"/api-keys/{made.id}/rotate", {"overlap_seconds": 0})

    await answers(401, lambda: other.get(RACKS, headers=made.headers))
    await warm(other, MadeKey(made.id, rotated.json()["key"]))


async def test_an_expired_key_is_refused(
    other: httpx.AsyncClient, make: Factories, tenant: TenantRow, readback: Readback
) -> None:
    shortened, kept = [await make.api_key(tenant, "rack:read") for _ in range(2)]
    await warm(other, shortened, kept)

    past = clock.now() - timedelta(seconds=1)
    await readback("update api_key set expires_at = :past where id = :id", past=past, id=shortened.id)

    await answers(401, lambda: other.get(RACKS, headers=shortened.headers))
    await warm(other, kept)


async def test_a_key_of_a_suspended_tenant_is_refused(
    other: httpx.AsyncClient, make: Factories, tenant: TenantRow, readback: Readback
) -> None:
    made, calm = await make.api_key(tenant, "rack:read"), await make.api_key(await make.tenant(), "rack:read")
    await warm(other, made, calm)
    suspend = "update tenant set status = :status where id = :id"

    await readback(suspend, status="suspended", id=tenant.id)
    await answers(403, lambda: other.get(RACKS, headers=made.headers))
    assert (await other.get(RACKS, headers=made.headers)).json()["code"] == "tenant_suspended"
    await warm(other, calm)

    await readback(suspend, status="active", id=tenant.id)
    await answers(200, lambda: other.get(RACKS, headers=made.headers))


async def test_an_action_removed_from_a_key_is_refused(
    other: httpx.AsyncClient, make: Factories, tenant: TenantRow, readback: Readback
) -> None:
    made = await make.api_key(tenant, "rack:read", "member:read")
    await warm(other, made)

    await readback("update api_key set actions = '{member:read}' where id = :id", id=UUID(str(made.id)))

    await answers(403, lambda: other.get(RACKS, headers=made.headers))
    assert (await other.get("/api/v1/members", headers=made.headers)).status_code == 200


async def test_a_deleted_key_is_refused(
    other: httpx.AsyncClient, make: Factories, tenant: TenantRow, readback: Readback
) -> None:
    gone, kept = [await make.api_key(tenant, "rack:read") for _ in range(2)]
    await warm(other, gone, kept)

    await readback("delete from api_key where id = :id", id=gone.id)

    await answers(401, lambda: other.get(RACKS, headers=gone.headers))
    await warm(other, kept)
