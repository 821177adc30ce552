"""Fault 28: a member who is removed, leaves or gets a lower role is denied on another process within a second."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from insula.core.settings import Settings
from tests.support.app import SignIn, serving
from tests.support.factories import Factories, TenantRow
from tests.support.waiting import answers
from tests.tenants.support import Caller, Readback, joined, membership_of


@pytest.fixture(scope="module")
def another_process(settings: Settings) -> Iterator[str]:
    with serving(settings) as address:
        yield address


@pytest.fixture
async def elsewhere(another_process: str, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of the other process, with the public host name."""
    host = httpx.URL(settings.public_url).netloc.decode()
    async with httpx.AsyncClient(base_url=another_process, headers={"Host": host}) as client:
        yield client


@pytest.fixture
async def tenant(make: Factories) -> TenantRow:
    return await make.tenant(plan="pro")


@pytest.fixture
async def owner(client: httpx.AsyncClient, make: Factories, sign_in: SignIn, tenant: TenantRow) -> Caller:
    return await joined(client, make, sign_in, tenant)


@pytest.fixture
async def member(client: httpx.AsyncClient, make: Factories, sign_in: SignIn, tenant: TenantRow) -> Caller:
    return await joined(client, make, sign_in, tenant, "member")


@pytest.fixture
def there(elsewhere: httpx.AsyncClient, member: Caller) -> Caller:
    """Return the member as a caller of the other process, with the same token."""
    return Caller(elsewhere, member.user, member.tenant, member.token)


async def test_removed_member_is_denied(owner: Caller, member: Caller, there: Caller, readback: Readback) -> None:
    assert (await there.get("/racks")).status_code == 200
    assert (await owner.delete(f"/members/{await membership_of(readback, member)}")).status_code == 204
    await answers(403, lambda: there.get("/racks"))


async def test_member_who_left_is_denied(member: Caller, there: Caller) -> None:
    assert (await there.get("/racks")).status_code == 200
    assert (await member.delete("/members/me")).status_code == 204
    await answers(403, lambda: there.get("/racks"))


async def test_a_lower_role_loses_permissions(owner: Caller, member: Caller, there: Caller, readback: Readback) -> None:
    rack = await there.rack()
    lowered = await owner.patch(f"/members/{await membership_of(readback, member)}", {"role": "viewer"})
    assert lowered.status_code == 200
    await answers(403, lambda: there.patch(rack, {"status": "archived"}))
    assert (await there.get(rack)).status_code == 200


async def test_a_higher_role_gains_permissions(
    owner: Caller, member: Caller, there: Caller, readback: Readback
) -> None:
    rack = await there.rack()
    assert (await there.delete(rack)).status_code == 403
    raised = await owner.patch(f"/members/{await membership_of(readback, member)}", {"role": "admin"})
    assert raised.status_code == 200
    await answers(204, lambda: there.delete(rack))


async def test_a_former_owner_cannot_transfer_the_tenant(
    owner: Caller, member: Caller, elsewhere: httpx.AsyncClient, readback: Readback
) -> None:
    former = Caller(elsewhere, owner.user, owner.tenant, owner.token)
    body = {"member_id": await membership_of(readback, member)}
    assert (await former.get("/members")).status_code == 200
    assert (await owner.post("/tenant/ownership", body)).status_code == 200
    await answers(403, lambda: former.post("/tenant/ownership", body))
    assert (await former.get("/members")).status_code == 200
