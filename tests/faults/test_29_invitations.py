"""Faults 29, 29a: an invitation works once, for its addressee, until it expires or its inviter may not make it.

tests/tenants/invitations/test_routes.py tests the limits of making one.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest

from insula.core import clock
from insula.core.ids import new_id
from tenants.invitations.models import Invitation
from tests.support.app import SignIn
from tests.support.factories import Factories, TenantRow, UserRow
from tests.tenants.support import Caller, Readback, code_of, joined, sameness

INVALID = (404, "invitation_invalid")
Invalidate = Callable[["Case", Readback], Awaitable[None]]


class Case:
    """A valid invitation, and a user who may accept it."""

    def __init__(self, guest: Caller, owner: Caller, invitation: Invitation, token: str) -> None:
        self.guest, self.owner, self.invitation, self.token = guest, owner, invitation, token

    async def accept(self, token: str | None = None) -> httpx.Response:
        return await self.guest.post("/invitations/accept", {"token": self.token if token is None else token})


@pytest.fixture
async def tenant(make: Factories) -> TenantRow:
    return await make.tenant(plan="pro")


@pytest.fixture
async def case(client: httpx.AsyncClient, make: Factories, sign_in: SignIn, tenant: TenantRow) -> Case:
    owner, user = await joined(client, make, sign_in, tenant), await make.user()
    guest = Caller(client, user, None, await sign_in(user))
    return Case(guest, owner, *await make.invitation(tenant, owner.user, to=user.email, role="admin"))


async def places_of(readback: Readback, user: UserRow) -> list[object]:
    return [row["role"] for row in await readback("select role from membership where user_id = :id", id=user.id)]


async def _replayed(case: Case, readback: Readback) -> None:
    assert (await case.accept()).status_code == 200
    await readback("delete from membership where user_id = :id", id=case.guest.user.id)


async def _expired(case: Case, readback: Readback) -> None:
    past = clock.now() - timedelta(seconds=1)
    await readback("update invitation set expires_at = :past where id = :id", past=past, id=case.invitation.id)


async def _revoked(case: Case, readback: Readback) -> None:  # noqa: ARG001 - as the others
    assert (await case.owner.delete(f"/invitations/{case.invitation.id}")).status_code == 204


async def _sent_again(case: Case, readback: Readback) -> None:  # noqa: ARG001 - as the others
    assert (await case.owner.post(f"/invitations/{case.invitation.id}/resend", None)).status_code == 200


async def _to_another_address(case: Case, readback: Readback) -> None:
    await readback("update invitation set email = 'x' || email where id = :id", id=case.invitation.id)


async def _to_an_unverified_account(case: Case, readback: Readback) -> None:
    await readback('update "user" set email_verified_at = null where id = :id', id=case.guest.user.id)


async def _by_somebody_removed_since(case: Case, readback: Readback) -> None:
    await readback("delete from membership where user_id = :id", id=case.owner.user.id)


async def _by_somebody_who_may_invite_no_more(case: Case, readback: Readback) -> None:
    await readback("update membership set role = 'member' where user_id = :id", id=case.owner.user.id)


async def _above_the_inviters_role_by_now(case: Case, readback: Readback) -> None:
    await readback("update invitation set role = 'owner' where id = :id", id=case.invitation.id)
    await readback("update membership set role = 'admin' where user_id = :id", id=case.owner.user.id)


INVALIDATED = (
    _replayed,
    _expired,
    _revoked,
    _sent_again,
    _to_another_address,
    _to_an_unverified_account,
    _by_somebody_removed_since,
    _by_somebody_who_may_invite_no_more,
    _above_the_inviters_role_by_now,
)


@pytest.mark.parametrize("invalidate", INVALIDATED, ids=lambda invalidate: invalidate.__name__.strip("_"))
async def test_an_invalid_invitation_is_refused_without_a_reason(
    case: Case, readback: Readback, invalidate: Invalidate
) -> None:
    never = f"insula_inv_{new_id().hex}{new_id().hex}_{'A' * 43}"
    unknown = await case.accept(never)
    await invalidate(case, readback)
    refused = await case.accept()
    if refused.status_code == 401:  # an unverified account is refused earlier
        assert invalidate is _to_an_unverified_account
    else:
        assert sameness(refused) == sameness(unknown)
        assert code_of(refused) == INVALID
    assert await places_of(readback, case.guest.user) == []


async def test_a_valid_invitation_is_accepted_beside_the_invalid_ones(case: Case, readback: Readback) -> None:
    assert (await case.accept()).status_code == 200
    assert await places_of(readback, case.guest.user) == ["admin"]


async def test_email_addresses_are_compared_in_lower_case(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, tenant: TenantRow, readback: Readback
) -> None:
    owner, user = await joined(client, make, sign_in, tenant), await make.user()
    made = await owner.post("/invitations", {"email": user.email.upper(), "role": "member"})
    assert made.json()["email"] == user.email
    [mail] = await readback(
        "select args -> 'arguments' ->> 'to' as recipient from jobs.procrastinate_jobs "
        "where args ->> 'tenant_id' = :id",
        id=str(tenant.id),
    )
    assert mail["recipient"] == user.email


async def test_a_token_is_valid_only_in_its_own_tenant(
    case: Case, make: Factories, readback: Readback, tenant: TenantRow
) -> None:
    other = await make.tenant()
    elsewhere = case.token.replace(tenant.id.hex, other.id.hex)
    assert code_of(await case.accept(elsewhere)) == INVALID
    assert await places_of(readback, case.guest.user) == []
    assert (await case.accept()).status_code == 200


@pytest.mark.parametrize(
    "mangle",
    [
        lambda token: token[:-1],
        lambda token: token + "A",
        lambda token: token.upper(),
        lambda token: token[:-3] + ("AAA" if token[-3:] != "AAA" else "BBB"),
        lambda token: token.replace("insula_inv_", "insula_rt_"),
        lambda token: f" {token}",
        lambda token: f"{token}\n",
        lambda _: "x",
    ],
)
async def test_mangled_token_is_refused(case: Case, mangle: Callable[[str], str]) -> None:
    assert code_of(await case.accept(mangle(case.token))) == INVALID
    assert (await case.accept()).status_code == 200


async def test_fifty_concurrent_acceptances_add_one_member(case: Case, readback: Readback) -> None:
    answers = await asyncio.gather(*(case.accept() for _ in range(50)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 404: 49}
    assert {code_of(answer) for answer in answers if answer.status_code == 404} == {INVALID}
    assert await places_of(readback, case.guest.user) == ["admin"]
    accepted = await readback("select 1 from audit_event where action = 'invitation.accepted' and tenant_id = :id",
                              id=case.owner.home.id)  # fmt: skip
    assert len(accepted) == 1
