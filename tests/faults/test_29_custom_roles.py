"""Fault 29: custom roles under concurrent changes: nobody gets more than they may."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from insula.core.ids import new_id
from insula.core.settings import Settings
from tests.support.app import SignIn
from tests.support.backends import until_blocked
from tests.support.cluster import superuser_url
from tests.support.factories import Factories, TenantRow
from tests.tenants.roles.support import EDITS, RUNS_ROLES, defined, role
from tests.tenants.support import Caller, Readback, code_of, joined, membership_of

TRIALS = int(os.environ.get("TRIALS", "20"))
Join = Callable[[str], Awaitable[Caller]]

_GIVE = text("update membership set role = :role where user_id = :user_id")
_LOCK = text("select from tenant where id = :tenant_id for no key update")
_NARROW = text(
    "update custom_role set permissions = array_remove(permissions, :lost) where key = :key and tenant_id = :tenant_id"
)
_WIDEN = text(
    "update custom_role set permissions = array_append(permissions, 'audit:read') "
    "where key = :key and tenant_id = :tenant_id"
)
_DELETE = text("delete from custom_role where key = :key and tenant_id = :tenant_id")


@pytest.fixture
async def tenant(make: Factories) -> TenantRow:
    return await make.tenant(plan="pro", entitlements={"requests_per_minute": 60_000, "seats": 1_000, "racks": 10})


@pytest.fixture
def join(client: httpx.AsyncClient, make: Factories, sign_in: SignIn, tenant: TenantRow) -> Join:
    async def run(role: str) -> Caller:
        return await joined(client, make, sign_in, tenant, role)

    return run


@pytest.fixture
async def owner(join: Join) -> Caller:
    return await join("owner")


@pytest.fixture
async def lead(owner: Caller, join: Join) -> Caller:
    """Return a member who may assign roles and edit racks."""
    role = await defined(owner, "member:update", "invitation:create", *EDITS)
    return await join(role["key"])


async def test_a_role_is_either_deleted_or_assigned(owner: Caller, join: Join, readback: Readback) -> None:
    place = f"/members/{await membership_of(readback, await join('viewer'))}"
    outcomes = set()
    for _ in range(TRIALS):
        role = await defined(owner, *EDITS)
        given, deleted = await asyncio.gather(
            owner.patch(place, {"role": role["key"]}), owner.delete(f"/roles/{role['id']}")
        )
        outcomes.add((given.status_code, deleted.status_code))
        there = await owner.get(f"/roles/{role['id']}")
        holds = (await owner.get(place)).json()["role"]
        assert (holds == role["key"]) == (there.status_code == 200) == (given.status_code == 200)
        await owner.patch(place, {"role": "viewer"})
    assert outcomes <= {(200, 409), (422, 204)}


async def test_a_role_is_either_deleted_or_used_by_an_invitation(owner: Caller) -> None:
    for turn in range(TRIALS):
        role = await defined(owner, *EDITS)
        body = {"email": f"guest-{turn}-{role['id']}@example.com", "role": role["key"]}
        invited, deleted = await asyncio.gather(owner.post("/invitations", body), owner.delete(f"/roles/{role['id']}"))
        assert (invited.status_code, deleted.status_code) in {(201, 409), (422, 204), (429, 204)}


async def test_a_role_that_is_widened_concurrently_is_not_assigned_by_somebody_with_less(
    owner: Caller, lead: Caller, join: Join, readback: Readback
) -> None:
    place = f"/members/{await membership_of(readback, await join('viewer'))}"
    below = await defined(owner)
    for _ in range(TRIALS):
        assert (await owner.patch(place, {"role": below["key"]})).status_code == 200
        role = await defined(owner, *EDITS)
        path = f"/roles/{role['id']}"
        given, widened = await asyncio.gather(
            lead.patch(place, {"role": role["key"]}),
            owner.patch(path, {"permissions": [*EDITS, "rack:delete"]}, if_match='"1"'),
        )
        assert widened.status_code == 200
        assert given.status_code == 200 or code_of(given) == (403, "outranked")
        assert code_of(await lead.patch(place, {"role": role["key"]})) == (403, "outranked")
        await owner.patch(place, {"role": below["key"]})
        assert (await owner.delete(path)).status_code == 204


async def test_a_granter_who_is_demoted_concurrently_grants_nothing_more(
    owner: Caller, lead: Caller, join: Join, readback: Readback
) -> None:
    """In either order, the granter never grants a permission that they no longer have."""
    place = f"/members/{await membership_of(readback, await join('viewer'))}"
    granters = f"/members/{await membership_of(readback, lead)}"
    held, role, plain = (await owner.get(granters)).json()["role"], await defined(owner, *EDITS), await defined(owner)
    for _ in range(TRIALS):
        for path, name in ((granters, held), (place, plain["key"])):
            assert (await owner.patch(path, {"role": name})).status_code == 200
        given, lowered = await asyncio.gather(
            lead.patch(place, {"role": role["key"]}), owner.patch(granters, {"role": "viewer"})
        )
        assert lowered.status_code == 200
        assert given.status_code in {200, 403}, given.text
        order = await readback(
            "select actor_id from audit_event where tenant_id = :id and action = 'member.role_changed' "
            "order by sequence desc limit 2",
            id=owner.home.id,
        )
        if given.status_code == 200:
            assert [event["actor_id"] for event in order] == [owner.user.id, lead.user.id]


@pytest.fixture
async def unlocked(settings: Settings) -> AsyncIterator[AsyncConnection]:
    """Open a transaction that takes no lock on the tenant, like another version's code or an operator."""
    engine = create_async_engine(superuser_url(settings), poolclass=NullPool)
    async with engine.connect() as connection:
        yield connection


async def test_foreign_keys_keep_a_role_that_is_assigned_without_the_lock(
    owner: Caller, join: Join, unlocked: AsyncConnection, readback: Readback
) -> None:
    member, role = await join("viewer"), await defined(owner, *EDITS)
    await unlocked.execute(_GIVE, {"role": role["key"], "user_id": member.user.id})
    deleting = asyncio.create_task(owner.delete(f"/roles/{role['id']}"))
    await until_blocked(readback, 1)
    await unlocked.commit()
    assert code_of(await deleting) == (409, "role_in_use")
    await member.rack()


async def test_foreign_keys_refuse_a_role_that_is_deleted_without_the_lock(
    owner: Caller, join: Join, unlocked: AsyncConnection, readback: Readback
) -> None:
    place = f"/members/{await membership_of(readback, await join('viewer'))}"
    role, other = await defined(owner, *EDITS), await defined(owner, *EDITS)
    await unlocked.execute(_DELETE, {"key": role["key"], "tenant_id": owner.home.id})
    giving = asyncio.create_task(owner.patch(place, {"role": role["key"]}))
    await until_blocked(readback, 1)
    await unlocked.commit()
    assert code_of(await giving) == (422, "role_unknown")
    assert (await owner.patch(place, {"role": other["key"]})).status_code == 200


class Waiting:
    """A member who assigns roles, and waits for the lock while their permissions or the assigned role change."""

    def __init__(self, caller: Caller, own: str, given: dict[str, str], place: str) -> None:
        self.caller, self.own, self.given, self.place = caller, own, given, place

    async def assign_role(self) -> httpx.Response:
        return await self.caller.patch(self.place, {"role": self.given["key"]})

    async def invites(self) -> httpx.Response:
        body = {"email": f"guest-{new_id()}@example.com", "role": self.given["key"]}
        return await self.caller.post("/invitations", body)

    async def defines(self) -> httpx.Response:
        return await self.caller.post("/roles", role(*EDITS))

    async def changes(self) -> httpx.Response:
        return await self.caller.patch(f"/roles/{self.given['id']}", {"name": "Changed"})

    async def makes_a_key(self) -> httpx.Response:
        return await self.caller.post("/api-keys", {"name": "Import", "actions": ["rack:update"]})


@pytest.fixture
async def waiting(owner: Caller, join: Join, readback: Readback) -> Waiting:
    held = await defined(owner, "member:update", "invitation:create", "api_key:create", *RUNS_ROLES, *EDITS)
    place = f"/members/{await membership_of(readback, await join('viewer'))}"
    below = await defined(owner)
    assert (await owner.patch(place, {"role": below["key"]})).status_code == 200
    return Waiting(await join(held["key"]), held["key"], await defined(owner, *EDITS), place)


AssigningAct = Callable[[Waiting], Coroutine[None, None, httpx.Response]]


@pytest.mark.parametrize(
    ("act", "needed", "code"),
    [
        (Waiting.assign_role, "member:update", "forbidden"),
        (Waiting.assign_role, "rack:update", "outranked"),
        (Waiting.invites, "rack:update", "outranked"),
        (Waiting.defines, "rack:update", "outranked"),
        (Waiting.changes, "rack:update", "outranked"),
        (Waiting.makes_a_key, "rack:update", "action_not_yours"),
    ],
)
async def test_a_caller_who_loses_a_permission_while_waiting_cannot_grant_it(
    waiting: Waiting, unlocked: AsyncConnection, readback: Readback, act: AssigningAct, needed: str, code: str
) -> None:
    tenant_id = waiting.caller.home.id
    assert (await act(waiting)).is_success
    await unlocked.execute(_LOCK, {"tenant_id": tenant_id})
    doing = asyncio.create_task(act(waiting))
    await until_blocked(readback, 1)
    await unlocked.execute(_NARROW, {"lost": needed, "key": waiting.own, "tenant_id": tenant_id})
    await unlocked.commit()
    assert code_of(await doing) == (403, code)


@pytest.mark.parametrize("act", [Waiting.assign_role, Waiting.invites, Waiting.changes])
async def test_a_role_that_is_widened_while_the_caller_waits_is_not_assigned(
    waiting: Waiting, unlocked: AsyncConnection, readback: Readback, act: AssigningAct
) -> None:
    tenant_id = waiting.caller.home.id
    assert (await act(waiting)).is_success
    await unlocked.execute(_LOCK, {"tenant_id": tenant_id})
    doing = asyncio.create_task(act(waiting))
    await until_blocked(readback, 1)
    await unlocked.execute(_WIDEN, {"key": waiting.given["key"], "tenant_id": tenant_id})
    await unlocked.commit()
    assert code_of(await doing) == (403, "outranked")
