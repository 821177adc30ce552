"""Fault 28: a changed custom role takes effect on another process within a second, for every holder."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from insula.core.settings import Settings
from tests.support.app import SignIn, serving
from tests.support.factories import Factories, TenantRow
from tests.support.waiting import answers
from tests.tenants.roles.support import EDITS, RUNS_ROLES, defined
from tests.tenants.support import Caller, Readback, code_of, joined, membership_of


@pytest.fixture(scope="module")
def two_processes(settings: Settings) -> Iterator[tuple[str, str]]:
    with serving(settings) as one, serving(settings) as other:
        yield one, other


@pytest.fixture
async def both(two_processes: tuple[str, str], settings: Settings) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Yield a client of each process, with the public host name."""
    headers = {"Host": httpx.URL(settings.public_url).netloc.decode()}
    one, other = two_processes
    async with (
        httpx.AsyncClient(base_url=one, headers=headers) as first,
        httpx.AsyncClient(base_url=other, headers=headers) as second,
    ):
        yield [first, second]


@pytest.fixture
async def tenant(make: Factories) -> TenantRow:
    return await make.tenant(plan="pro")


@pytest.fixture
async def owner(both: list[httpx.AsyncClient], make: Factories, sign_in: SignIn, tenant: TenantRow) -> Caller:
    return await joined(both[0], make, sign_in, tenant)


class HeldRole:
    """A role, and its holder as a caller of each process."""

    def __init__(self, role: dict[str, str], holder: Caller, both: list[httpx.AsyncClient]) -> None:
        self.path = f"/roles/{role['id']}"
        self.key = role["key"]
        self.everywhere = [Caller(client, holder.user, holder.tenant, holder.token) for client in both]
        self.here, self.there = self.everywhere


@pytest.fixture
async def held(
    owner: Caller, both: list[httpx.AsyncClient], make: Factories, sign_in: SignIn, tenant: TenantRow
) -> HeldRole:
    role = await defined(owner, *EDITS, *RUNS_ROLES)
    return HeldRole(role, await joined(both[0], make, sign_in, tenant, role["key"]), both)


async def test_a_removed_permission_is_lost_in_every_process(owner: Caller, held: HeldRole) -> None:
    for caller in held.everywhere:
        await caller.rack(f"For {caller.client.base_url}")
    assert (await owner.patch(held.path, {"permissions": ["rack:read"]})).status_code == 200
    for caller in held.everywhere:
        await answers(403, lambda caller=caller: caller.post("/racks", {"name": "Late"}))  # type: ignore[misc]  # bound now
        assert (await caller.get("/racks")).status_code == 200


async def test_an_added_permission_applies_in_every_process(owner: Caller, held: HeldRole) -> None:
    rack = await held.there.rack()
    for caller in held.everywhere:
        assert (await caller.delete(rack)).status_code == 403
    wider = {"permissions": [*EDITS, "rack:delete"]}
    assert (await owner.patch(held.path, wider)).status_code == 200
    await answers(204, lambda: held.there.delete(rack))
    assert (await held.here.delete(rack)).status_code == 404


async def test_a_holder_without_the_permission_changes_no_role_on_the_other_process(
    owner: Caller, held: HeldRole
) -> None:
    other = await defined(held.there, "rack:read")
    path = f"/roles/{other['id']}"
    assert (await held.there.patch(path, {"name": "First"})).status_code == 200
    assert (await owner.patch(held.path, {"permissions": ["role:read"]})).status_code == 200
    await answers(403, lambda: held.there.patch(path, {"name": "Second"}))
    assert (await held.there.get(path)).json()["name"] == "First"


async def test_a_holder_of_another_role_has_its_permissions(owner: Caller, held: HeldRole, readback: Readback) -> None:
    rack = await held.there.rack()
    less = await defined(owner, "rack:read")
    place = f"/members/{await membership_of(readback, held.here)}"
    assert code_of(await owner.delete(held.path)) == (409, "role_in_use")
    assert (await owner.patch(place, {"role": less["key"]})).status_code == 200
    await answers(403, lambda: held.there.patch(rack, {"status": "archived"}))
    assert (await held.there.get(rack)).status_code == 200
    assert (await owner.delete(held.path)).status_code == 204
    assert (await held.there.get(rack)).status_code == 200
