"""Fault 38: several users accept the last seat concurrently, and one gets it. ``TRIALS=200`` runs 200 races."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import httpx
import pytest

from insula.core.settings import Settings
from tests.support.app import Live, SignIn
from tests.support.factories import Factories, TenantRow
from tests.support.visitors import visitor_at
from tests.tenants.support import Caller, Readback, joined

TRIALS = int(os.environ.get("TRIALS", "20"))


Guest = Callable[[], Awaitable[Caller]]


@pytest.fixture
async def guest(live: Live, settings: Settings, make: Factories, sign_in: SignIn) -> AsyncIterator[Guest]:
    """Sign in users without a tenant, each from a new client address, since acceptances are limited by address."""
    async with AsyncExitStack() as stack:

        async def run() -> Caller:
            visitor = await stack.enter_async_context(visitor_at(live, settings))
            user = await make.user()
            return Caller(visitor.client, user, None, await sign_in(user))

        yield run


async def seated(make: Factories, seats: int) -> TenantRow:
    return await make.tenant(entitlements={"requests_per_minute": 6_000, "seats": seats})


@pytest.mark.parametrize("guests", [2, 3])
async def test_one_of_the_guests_gets_the_last_seat(
    make: Factories, guest: Guest, readback: Readback, guests: int
) -> None:
    for _ in range(-(-TRIALS // 2)):
        tenant = await seated(make, 2)
        owner = await make.member(tenant, role="owner")
        people = [await guest() for _ in range(guests)]
        tokens = [(await make.invitation(tenant, owner, to=person.user.email))[1] for person in people]
        answers = await asyncio.gather(
            *(
                person.post("/invitations/accept", {"token": token})
                for person, token in zip(people, tokens, strict=True)
            )
        )
        taken = await readback("select count(*) from membership where tenant_id = :id", id=tenant.id)
        assert taken == [{"count": 2}]
        assert Counter(answer.status_code for answer in answers) == {200: 1, 409: guests - 1}
        assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"seats_exhausted"}


async def test_concurrent_acceptance_and_invitations_stay_within_the_seats(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, guest: Guest, readback: Readback
) -> None:
    for _ in range(-(-TRIALS // 10)):
        tenant = await seated(make, 3)
        owner, person = await joined(client, make, sign_in, tenant), await guest()
        _, token = await make.invitation(tenant, owner.user, to=person.user.email)
        accepted, *offered = await asyncio.gather(
            person.post("/invitations/accept", {"token": token}),
            *(owner.post("/invitations", {"email": f"{n}@{tenant.slug}.example", "role": "member"}) for n in range(4)),
        )
        assert accepted.status_code == 200
        assert Counter(answer.status_code for answer in offered) == {201: 1, 409: 3}
        open_ones = await readback(
            "select count(*) from invitation where tenant_id = :id and accepted_at is null", id=tenant.id
        )
        assert open_ones == [{"count": 1}]


async def test_after_a_reduction_of_seats_members_stay_and_nobody_joins(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, guest: Guest, readback: Readback
) -> None:
    tenant = await seated(make, 4)
    owner, person = await joined(client, make, sign_in, tenant), await guest()
    members = [await joined(client, make, sign_in, tenant, "member") for _ in range(2)]
    _, token = await make.invitation(tenant, owner.user, to=person.user.email)
    await readback("update entitlement set value = 2 where tenant_id = :id and key = 'seats'", id=tenant.id)

    refused = await person.post("/invitations/accept", {"token": token})
    assert (refused.status_code, refused.json()["code"]) == (409, "seats_exhausted")
    invited = await owner.post("/invitations", {"email": f"x@{tenant.slug}.example", "role": "member"})
    assert (invited.status_code, invited.json()["code"]) == (409, "seats_exhausted")
    assert [(await member.get("/members")).status_code for member in members] == [200, 200]

    for member in members:
        assert (await member.delete("/members/me")).status_code == 204
    assert (await person.post("/invitations/accept", {"token": token})).status_code == 200
