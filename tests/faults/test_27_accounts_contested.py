"""Fault 27: a stranger who registers my address or requests links gets no access, and does not lock me out."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from insula.core import clock
from insula.core.settings import Settings
from insula.limits.mails import RESET
from tests.support.app import PASSWORD, Live
from tests.support.emails import Readback, emails_to, secret_to
from tests.support.factories import Factories, UserRow
from tests.support.newcomers import OTHER_PASSWORD, forgot, new_email, register, resend, reset, verify
from tests.support.visitors import Visitor, problem, visitor_at


@pytest.fixture
async def mine(live: Live, settings: Settings) -> AsyncIterator[Visitor]:
    async with visitor_at(live, settings) as visitor:
        yield visitor


@pytest.fixture
async def stranger(live: Live, settings: Settings) -> AsyncIterator[Visitor]:
    async with visitor_at(live, settings) as visitor:
        yield visitor


async def test_a_link_resent_after_a_strangers_registration_does_not_set_their_password(
    mine: Visitor, stranger: Visitor, readback: Readback
) -> None:
    email = new_email()
    await register(mine, email, name="Ada")
    await register(stranger, email, name="Mallory", password=OTHER_PASSWORD)
    await resend(mine, email)

    await verify(mine, await secret_to(readback, email))

    assert problem(await mine.login(email, password=OTHER_PASSWORD)) == (401, "login_refused")
    assert (await mine.login(email)).status_code == 200


async def test_a_strangers_requests_keep_my_link_valid(
    mine: Visitor, stranger: Visitor, make: Factories, readback: Readback
) -> None:
    user: UserRow = await make.user(password=PASSWORD)
    await forgot(mine, user.email)
    link = await secret_to(readback, user.email)
    await forgot(stranger, user.email)

    assert (await reset(mine, link)).status_code == 204


async def test_strangers_who_exhaust_my_email_limit_keep_my_link_valid(
    live: Live, mine: Visitor, settings: Settings, make: Factories, readback: Readback
) -> None:
    user: UserRow = await make.user(password=PASSWORD)
    for _ in range(20):
        async with visitor_at(live, settings) as flooder:
            await forgot(flooder, user.email)

    assert (await forgot(mine, user.email)).status_code == 202
    mails = await emails_to(readback, user.email)
    assert 1 <= len(mails) <= RESET.to_mailbox.limit
    with clock.moved(timedelta(seconds=RESET.to_mailbox.window)):  # when the next email may be sent
        assert (await reset(mine, mails[0].secret)).status_code == 204
    assert (await mine.login(user.email, password=OTHER_PASSWORD)).status_code == 200


async def test_strangers_requests_for_one_kind_of_email_do_not_block_the_others(
    live: Live, mine: Visitor, settings: Settings, make: Factories, readback: Readback
) -> None:
    user: UserRow = await make.user(password=PASSWORD)
    for _ in range(8):
        async with visitor_at(live, settings) as flooder:
            await register(flooder, user.email)
            await resend(flooder, user.email)

    await forgot(mine, user.email)

    assert (await reset(mine, await secret_to(readback, user.email))).status_code == 204


@pytest.mark.parametrize("trial", range(4))
async def test_a_concurrent_registration_does_not_replace_the_verified_password(
    mine: Visitor, stranger: Visitor, readback: Readback, trial: int
) -> None:
    email = new_email()
    await register(mine, email, name="Ada")
    link = await secret_to(readback, email)

    answers = await asyncio.gather(
        register(stranger, email, name="Mallory", password=OTHER_PASSWORD),
        resend(stranger, email),
        verify(mine, link),
        register(stranger, email, name="Mallory", password=OTHER_PASSWORD),
    )

    assert [answer.status_code for answer in answers] == [202, 202, 204, 202], trial
    assert problem(await mine.login(email, password=OTHER_PASSWORD)) == (401, "login_refused")
    assert (await mine.login(email)).status_code == 200
    assert await readback('select name from "user" where email = :email', email=email) == [{"name": "Ada"}]
