"""Fault 29: two owners leave concurrently, in any way, and one stays. ``TRIALS=200`` runs 200 races."""

import asyncio
import os
from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.support.app import SignIn
from tests.support.factories import Factories
from tests.tenants.support import Caller, Readback, joined, membership_of

TRIALS = int(os.environ.get("TRIALS", "20"))
Act = Callable[[Caller, str, str], Awaitable[httpx.Response]]


async def _leave(caller: Caller, _own: str, _other: str) -> httpx.Response:
    return await caller.delete("/members/me")


async def _step_down(caller: Caller, own: str, _other: str) -> httpx.Response:
    return await caller.patch(f"/members/{own}", {"role": "viewer"})


async def _remove_the_other(caller: Caller, _own: str, other: str) -> httpx.Response:
    return await caller.delete(f"/members/{other}")


async def _demote_the_other(caller: Caller, _own: str, other: str) -> httpx.Response:
    return await caller.patch(f"/members/{other}", {"role": "member"})


ACTS: tuple[Act, ...] = (_leave, _step_down, _remove_the_other, _demote_the_other)
RACES = [(one, other) for one in ACTS for other in ACTS]


def _name(race: tuple[Act, Act]) -> str:
    return "-".join(act.__name__.strip("_") for act in race)


@pytest.mark.parametrize("race", RACES, ids=_name)
async def test_one_owner_stays(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, readback: Readback, race: tuple[Act, Act]
) -> None:
    for _ in range(-(-TRIALS // len(RACES))):
        tenant = await make.tenant(plan="pro")
        callers = [await joined(client, make, sign_in, tenant) for _ in race]
        places = [await membership_of(readback, caller) for caller in callers]
        answers = await asyncio.gather(
            race[0](callers[0], places[0], places[1]), race[1](callers[1], places[1], places[0])
        )
        owners = await readback(
            "select count(*) from membership where tenant_id = :id and role = 'owner'", id=tenant.id
        )
        outcome = [(answer.status_code, answer.text) for answer in answers]
        assert owners == [{"count": 1}], outcome
        assert any(answer.is_success for answer in answers), outcome
        assert {answer.status_code for answer in answers if not answer.is_success} <= {403, 404, 409}, outcome


async def test_one_of_many_owners_who_leave_concurrently_stays(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, readback: Readback
) -> None:
    tenant = await make.tenant(plan="pro")
    owners = [await joined(client, make, sign_in, tenant) for _ in range(10)]
    answers = await asyncio.gather(*(owner.delete("/members/me") for owner in owners))
    assert sorted(answer.status_code for answer in answers) == [204] * 9 + [409]
    assert await readback("select role from membership where tenant_id = :id", id=tenant.id) == [{"role": "owner"}]
