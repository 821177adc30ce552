"""Fault 29: one user can create a bounded number of tenants, at once and over time; slugs stay reserved forever."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from insula.core.ids import new_id
from insula.core.settings import Settings
from tenants.settings import TenantsSettings
from tests.support.app import Live, SignIn, counting_exactly
from tests.support.factories import Factories
from tests.support.staff import Caller as Staff
from tests.tenants.support import Caller, Readback, code_of

USED_UP = (409, "tenants_used_up")
TOO_MANY = (429, "too_many_tenants")


@pytest.fixture
async def client(live: Live, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with counting_exactly(live, settings) as client:
        yield client


@pytest.fixture
async def person(client: httpx.AsyncClient, make: Factories, sign_in: SignIn) -> Caller:
    user = await make.user()
    return Caller(client, user, None, await sign_in(user))


async def create(person: Caller, slug: str | None = None) -> httpx.Response:
    return await person.post("/tenants", {"slug": slug or f"t-{new_id().hex}", "name": "Mine"})


async def owned(readback: Readback, person: Caller) -> int:
    return len(await readback("select 1 from membership where user_id = :id and role = 'owner'", id=person.user.id))


async def test_concurrent_creations_stay_within_the_number_that_one_user_may_own(
    person: Caller, make: Factories, readback: Readback
) -> None:
    most = TenantsSettings().owned_by_one
    for _ in range(most - 2):
        await make.member(await make.tenant(), role="owner", user=person.user)
    await make.member(await make.tenant(), role="admin", user=person.user)

    answers = await asyncio.gather(*(create(person) for _ in range(12)))

    assert sorted(answer.status_code for answer in answers) == [201] * 2 + [409] * 10
    assert {code_of(answer) for answer in answers if answer.status_code != 201} == {USED_UP}
    assert await owned(readback, person) == most


async def test_one_user_creates_a_limited_number_of_tenants_a_day(
    client: httpx.AsyncClient, person: Caller, make: Factories, sign_in: SignIn, readback: Readback
) -> None:
    most = TenantsSettings().created_per_day
    taken = (await make.tenant()).slug
    for _ in range(most + 1):
        assert code_of(await create(person, taken)) == (409, "slug_taken")  # a refused creation does not count

    answers = [await create(person) for _ in range(most + 1)]

    assert code_of(answers[-1]) == TOO_MANY
    assert int(answers[-1].headers["retry-after"]) > 60
    assert await owned(readback, person) == most
    other = await make.user()
    assert (await create(Caller(client, other, None, await sign_in(other)))).status_code == 201


async def test_staff_may_exceed_both_limits(
    client: httpx.AsyncClient, person: Caller, make: Factories, sign_in: SignIn, settings: Settings
) -> None:
    for _ in range(settings.of(TenantsSettings).owned_by_one):
        await make.member(await make.tenant(), role="owner", user=person.user)
    assert code_of(await create(person)) == USED_UP
    user = await make.staff("superuser")
    staff = Staff(client, user, await sign_in(user, None, "admin"))

    body = {"slug": f"t-{new_id().hex}", "name": "Theirs", "owner_id": str(person.user.id), "plan": "free"}
    made = await staff.send("POST", "/tenants", body)

    assert made.status_code == 201, made.text
