"""Fault 29: staff who act on each other concurrently are checked again under a lock. ``TRIALS=200`` runs 200 races."""

import asyncio
import os
from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.support.app import SignIn
from tests.support.factories import Factories
from tests.support.staff import Caller, code_of
from tests.tenants.support import Readback

TRIALS = int(os.environ.get("TRIALS", "8"))
Hire = Callable[[str], Awaitable[Caller]]
Act = Callable[[Caller, Caller], Awaitable[httpx.Response]]


async def dismiss(caller: Caller, other: Caller) -> httpx.Response:
    return await caller.send("DELETE", f"/staff/{other.user.id}")


async def demote(caller: Caller, other: Caller) -> httpx.Response:
    return await caller.send("PATCH", f"/staff/{other.user.id}", {"role": "auditor"})


async def suspend(caller: Caller, other: Caller) -> httpx.Response:
    return await caller.post(f"/users/{other.user.id}/suspend")


async def appoint(caller: Caller, other: Caller) -> httpx.Response:
    return await caller.send("POST", "/staff", {"user_id": str(other.user.id), "role": "support"})


ENDING: tuple[Act, ...] = (dismiss, demote, suspend)


@pytest.fixture
def hire(client: httpx.AsyncClient, make: Factories, sign_in: SignIn) -> Hire:
    async def hired(role: str) -> Caller:
        user = await make.staff(role)
        return Caller(client, user, await sign_in(user, None, "admin"))

    return hired


async def acts_by(readback: Readback, caller: Caller) -> list[object]:
    rows = await readback(
        "select sequence from audit_event where actor_id = :id and object_type in ('staff', 'user') order by sequence",
        id=caller.user.id,
    )
    return [row["sequence"] for row in rows]


@pytest.mark.parametrize("one", ENDING)
@pytest.mark.parametrize("two", ENDING)
async def test_only_one_of_two_superusers_removes_the_other(hire: Hire, one: Act, two: Act) -> None:
    await hire("superuser")
    for _ in range(-(-TRIALS // 4)):
        first, second = await hire("superuser"), await hire("superuser")

        answers = await asyncio.gather(one(first, second), two(second, first))

        assert sorted(answer.is_success for answer in answers) == [False, True], [answer.text for answer in answers]
        assert {answer.status_code for answer in answers if not answer.is_success} <= {401, 403}


@pytest.mark.parametrize("end", ENDING)
@pytest.mark.parametrize("act", [dismiss, demote, suspend, appoint])
async def test_former_staff_cannot_act(hire: Hire, make: Factories, readback: Readback, end: Act, act: Act) -> None:
    for _ in range(-(-TRIALS // 4)):
        chief, former = await hire("superuser"), await hire("superuser")
        third = Caller(chief.client, await make.user(), {}) if act is appoint else await hire("superuser")

        ended, acted = await asyncio.gather(end(chief, former), act(former, third))

        assert ended.is_success, ended.text
        assert acted.status_code in {200, 201, 204, 401, 403}, acted.text
        if acted.is_success:
            [their_act], [their_end] = await acts_by(readback, former), await acts_by(readback, chief)
            assert int(str(their_act)) < int(str(their_end))


async def test_support_cannot_suspend_a_user_who_becomes_staff_concurrently(
    hire: Hire, make: Factories, readback: Readback
) -> None:
    for _ in range(TRIALS):
        chief, support = await hire("superuser"), await hire("support")
        user = Caller(chief.client, await make.user(), {})

        appointed, suspended = await asyncio.gather(appoint(chief, user), suspend(support, user))

        assert suspended.status_code in {200, 403}
        if suspended.is_success and appointed.is_success:
            [their_act], [appointment] = await acts_by(readback, support), await acts_by(readback, chief)
            assert int(str(their_act)) < int(str(appointment))
        if suspended.is_success and not appointed.is_success:
            assert code_of(appointed) == (409, "user_unfit")
