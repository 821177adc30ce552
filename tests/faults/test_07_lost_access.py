"""Fault 7, over HTTP: an expired token is refused, and so is one whose user is suspended or session is revoked.

fault 28 tests removed and demoted members and suspended tenants on other processes.
"""

from datetime import timedelta

import httpx

from insula.core import clock
from tests.support.app import SignIn
from tests.support.factories import Factories
from tests.support.waiting import answers
from tests.tenants.support import Readback, joined


async def test_an_expired_token_is_refused(client: httpx.AsyncClient, make: Factories, sign_in: SignIn) -> None:
    member = await joined(client, make, sign_in, await make.tenant(plan="pro"))
    assert (await member.get("/tenant")).status_code == 200
    settings = sign_in.kernel.settings.auth
    with clock.moved(timedelta(seconds=settings.access_token_seconds + settings.leeway_seconds - 2)):
        assert (await member.get("/tenant")).status_code == 200
    with clock.moved(timedelta(seconds=settings.access_token_seconds + settings.leeway_seconds + 1)):
        assert (await member.get("/tenant")).status_code == 401
    assert (await member.get("/tenant")).status_code == 200


async def test_a_token_of_a_revoked_session_is_refused(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, readback: Readback
) -> None:
    tenant = await make.tenant(plan="pro")
    member, neighbour = await joined(client, make, sign_in, tenant), await joined(client, make, sign_in, tenant)
    assert (await member.get("/tenant")).status_code == 200
    await readback("update auth_session set revoked_at = now() where user_id = :id returning id", id=member.user.id)
    await answers(401, lambda: member.get("/tenant"))
    assert (await neighbour.get("/tenant")).status_code == 200


async def test_a_suspended_users_token_is_refused_until_reactivation(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, readback: Readback
) -> None:
    tenant = await make.tenant(plan="pro")
    member, neighbour = await joined(client, make, sign_in, tenant), await joined(client, make, sign_in, tenant)
    assert (await member.get("/tenant")).status_code == 200
    await readback("""update "user" set status = 'suspended' where id = :id returning id""", id=member.user.id)
    await answers(401, lambda: member.get("/tenant"))
    assert (await neighbour.get("/tenant")).status_code == 200
    await readback("""update "user" set status = 'active' where id = :id returning id""", id=member.user.id)
    await answers(200, lambda: member.get("/tenant"))
