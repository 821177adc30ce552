"""Fault 29: under random concurrent changes of roles, no role combines permissions that no member had together."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.support.app import SignIn
from tests.support.factories import Factories
from tests.tenants.roles.support import BASIC, RUNS_ROLES, role
from tests.tenants.support import Caller, Readback, joined, membership_of

ROUNDS = 25
SHARED = (*BASIC, *RUNS_ROLES, "member:read", "member:update", "rack:read")
APART = ("rack:delete", "audit:read")
"""Each member has one of these, and none has both."""

Act = Callable[[random.Random, Caller, list[str], list[str]], Awaitable[httpx.Response]]


async def _define(dice: random.Random, caller: Caller, _roles: list[str], _places: list[str]) -> httpx.Response:
    return await caller.post("/roles", role(*_some(dice)))


async def _change(dice: random.Random, caller: Caller, roles: list[str], _places: list[str]) -> httpx.Response:
    return await caller.patch(f"/roles/{dice.choice(roles)}", {"permissions": _some(dice)})


async def _delete(dice: random.Random, caller: Caller, roles: list[str], _places: list[str]) -> httpx.Response:
    return await caller.delete(f"/roles/{dice.choice(roles)}")


async def _give(dice: random.Random, caller: Caller, _roles: list[str], places: list[str]) -> httpx.Response:
    listed = (await caller.get("/roles")).json()
    names = [known["key"] for known in (*listed.get("own", ()), *listed.get("built_in", ()))] or ["viewer"]
    return await caller.patch(f"/members/{dice.choice(places)}", {"role": dice.choice(names)})


ACTS: tuple[Act, ...] = (_define, _change, _change, _delete, _give, _give, _give)


def _some(dice: random.Random) -> list[str]:
    return [permission for permission in (*SHARED, *APART) if dice.random() < 0.9]


async def _each_act_is_possible(caller: Caller) -> None:
    """Check that each act succeeds within the caller's permissions, and that a role beyond them is refused."""
    made = await caller.post("/roles", role(*SHARED, APART[0]))
    assert made.status_code == 201
    place = f"/roles/{made.json()['id']}"
    assert (await caller.patch(place, {"permissions": [*SHARED, *APART]})).status_code == 403
    assert (await caller.patch(place, {"permissions": list(SHARED)})).status_code == 200
    assert (await caller.delete(place)).status_code == 204


@pytest.mark.parametrize("seed", range(3))
async def test_no_role_combines_permissions_that_no_member_had_together(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, readback: Readback, seed: int
) -> None:
    dice = random.Random(seed)  # noqa: S311  # no secret
    tenant = await make.tenant(plan="pro", entitlements={"requests_per_minute": 600_000, "seats": 100})
    callers = []
    for permission in APART * 4:
        held = await make.role(tenant, *SHARED, permission)
        callers.append(await joined(client, make, sign_in, tenant, held.key))
    places = [await membership_of(readback, caller) for caller in callers]
    await _each_act_is_possible(callers[0])
    statuses: list[int] = []
    for _ in range(ROUNDS):
        rows = await readback("select id from custom_role where tenant_id = :id", id=tenant.id)
        roles = [str(row["id"]) for row in rows]
        acts = [dice.choice(ACTS)(dice, caller, roles, places) for caller in callers]
        statuses += [answer.status_code for answer in await asyncio.gather(*acts)]
    assert set(statuses) <= {200, 201, 204, 403, 404, 409, 422}, statuses
    assert 403 in statuses, statuses
    assert not {200, 201, 204}.isdisjoint(statuses), statuses
    written = await readback(
        "select after from audit_event where tenant_id = :id and after -> 'permissions' @> cast(:both as jsonb)",
        id=tenant.id,
        both='["rack:delete", "audit:read"]',
    )
    assert written == []
    kept = await readback("select permissions from custom_role where tenant_id = :id", id=tenant.id)
    assert [row for row in kept if set(APART) <= set(row["permissions"])] == []  # type: ignore[call-overload]  # a list
    members = await readback("select role from membership where tenant_id = :id", id=tenant.id)
    assert {row["role"] for row in members}.isdisjoint({"owner", "admin", "member", "billing_manager"})
