"""Fault 27: invitations cannot be used as a mail relay: every email counts, for each caller and each route."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from insula.core.settings import Settings
from insula.limits.mails import BY_PERSON
from tenants.mail_limits import FROM_ONE_TO_MAILBOX, INVITATION, OWNERSHIP
from tests.support.app import Live, SignIn, counting_exactly
from tests.support.factories import Factories, TenantRow, UserRow
from tests.support.waiting import until
from tests.tenants.invitations.support import address, invite
from tests.tenants.support import Caller, Readback, code_of, joined, membership_of

Join = Callable[..., Awaitable[Caller]]
TOO_MANY = (429, "too_many_invitations")


@pytest.fixture
async def client(live: Live, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with counting_exactly(live, settings) as client:
        yield client


@pytest.fixture
def join(client: httpx.AsyncClient, make: Factories, sign_in: SignIn) -> Join:
    async def run(tenant: TenantRow, role: str = "owner", user: UserRow | None = None) -> Caller:
        return await joined(client, make, sign_in, tenant, role, user)

    return run


@pytest.fixture
async def owner(join: Join, make: Factories) -> Caller:
    return await join(await make.tenant(plan="pro"))


async def mails_to(readback: Readback, email: str) -> int:
    return len(
        await readback("select 1 from jobs.procrastinate_jobs where args -> 'arguments' ->> 'to' = :email", email=email)
    )


async def test_revoking_an_invitation_does_not_restore_the_limit(owner: Caller, readback: Readback) -> None:
    to, refused = address(), []
    for _ in range(15):
        made = await invite(owner, to)
        if made.status_code == 201:
            await owner.delete(f"/invitations/{made.json()['id']}")
        else:
            refused.append(made)

    assert await mails_to(readback, to) == FROM_ONE_TO_MAILBOX.limit
    assert {code_of(answer) for answer in refused} == {TOO_MANY}
    assert int(refused[0].headers["retry-after"]) > 60
    assert (await invite(owner)).status_code == 201


async def test_inviting_and_resending_share_one_limit(owner: Caller, readback: Readback) -> None:
    to = address()
    path = f"/invitations/{(await invite(owner, to)).json()['id']}/resend"
    answers = [await owner.post(path, None) for _ in range(5)]

    assert code_of(answers[-1]) == TOO_MANY
    assert await mails_to(readback, to) == FROM_ONE_TO_MAILBOX.limit


async def test_a_mailbox_is_not_flooded_from_many_tenants_by_many_people(
    join: Join, make: Factories, readback: Readback
) -> None:
    to = address()
    callers = [await join(await make.tenant(plan="pro"), "owner") for _ in range(6)]

    async def invite_repeatedly(caller: Caller) -> None:
        for _ in range(FROM_ONE_TO_MAILBOX.limit + 1):
            made = await invite(caller, to)
            if made.status_code == 201:
                await caller.delete(f"/invitations/{made.json()['id']}")

    await asyncio.gather(*map(invite_repeatedly, callers))

    assert await mails_to(readback, to) == INVITATION.to_mailbox.limit
    assert (await invite(callers[0])).status_code == 201


async def test_one_users_invitations_are_counted_across_tenants(
    join: Join, make: Factories, readback: Readback
) -> None:
    user, to = await make.user(), address()
    callers = [await join(await make.tenant(plan="pro"), "owner", user=user) for _ in range(6)]
    answers = [await invite(caller, to) for caller in callers]
    assert [answer.status_code for answer in answers] == [201] * 3 + [429] * 3
    assert await mails_to(readback, to) == FROM_ONE_TO_MAILBOX.limit == 3

    left = BY_PERSON[0].limit - 3
    sent = [await invite(callers[number % 6]) for number in range(left + 3)]
    assert [answer.status_code for answer in sent] == [201] * left + [429] * 3
    assert code_of(sent[-1]) == TOO_MANY
    other = await join(callers[0].home, "admin")
    assert (await invite(other)).status_code == 201


@pytest.mark.parametrize("granted", [0, 2])
async def test_a_tenant_sends_its_granted_number_of_invitations_a_day(
    join: Join, make: Factories, granted: int
) -> None:
    limits = {"invitations_per_day": granted, "seats": 50, "requests_per_minute": 1000}
    tenant = await make.tenant(plan="pro", entitlements=limits)
    callers = [await join(tenant, "owner"), await join(tenant, "admin")]
    answers = [await invite(callers[number % 2]) for number in range(4)]

    assert [answer.status_code for answer in answers] == [201] * granted + [429] * (4 - granted)
    assert (await invite(await join(await make.tenant(plan="pro"), "owner"))).status_code == 201


async def test_members_of_one_tenant_share_its_limit(join: Join, owner: Caller, readback: Readback) -> None:
    to = address()
    for caller in [owner, await join(owner.home, "admin")] * FROM_ONE_TO_MAILBOX.limit:
        made = await invite(caller, to)
        if made.status_code == 201:
            await caller.delete(f"/invitations/{made.json()['id']}")

    assert await mails_to(readback, to) == FROM_ONE_TO_MAILBOX.limit


async def test_repeated_ownership_transfers_send_few_emails(join: Join, owner: Caller, readback: Readback) -> None:
    pair = [owner, await join(owner.home, "member")]
    places = [await membership_of(readback, caller) for caller in pair]
    answers: list[httpx.Response] = []

    async def handed_over() -> bool:
        answers.append(await pair[0].post("/tenant/ownership", {"member_id": places[1]}))
        return answers[-1].status_code != 403  # the new owner's role is known within a second

    for _ in range(2 * OWNERSHIP.to_mailbox.limit + 1):
        await until(handed_over)
        if answers[-1].status_code != 200:
            break
        pair.reverse()
        places.reverse()

    assert code_of(answers[-1]) == (429, "too_many_transfers")
    assert await mails_to(readback, pair[1].user.email) == OWNERSHIP.to_mailbox.limit
    assert await mails_to(readback, pair[0].user.email) == OWNERSHIP.to_mailbox.limit
    assert answers[0].status_code == 200
