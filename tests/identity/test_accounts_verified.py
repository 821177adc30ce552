"""Verifying an address over HTTP: once, even with concurrent requests; and accounts before that."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from insula.core import clock
from tests.support.app import PASSWORD
from tests.support.emails import Readback, emails_to, secret_to
from tests.support.factories import UserRow
from tests.support.newcomers import OTHER_PASSWORD, forgot, new_email, register, resend, verify
from tests.support.visitors import Visitor, problem, shape


class TestVerify:
    async def test_one_of_fifty_concurrent_verifications_succeeds(
        self, visitor: Visitor, email: str, readback: Readback
    ) -> None:
        await register(visitor, email)
        secret = await secret_to(readback, email)

        answers = await asyncio.gather(*(_lenient(visitor, secret) for _ in range(50)))

        assert sorted(answer.status_code for answer in answers) == [204] + [400] * 49
        assert [mail.template for mail in await emails_to(readback, email)] == ["verify_email", "welcome"]

    async def test_two_links_of_one_account_at_once_verify_it_once(
        self, visitor: Visitor, email: str, readback: Readback
    ) -> None:
        await register(visitor, email)
        await register(visitor, email, password=OTHER_PASSWORD)
        secrets = [mail.secret for mail in await emails_to(readback, email)]

        words = (PASSWORD, OTHER_PASSWORD)
        answers = await asyncio.gather(*map(verify, [visitor] * 2, secrets, words))

        assert sorted(answer.status_code for answer in answers) == [204, 400]
        passwords = [(await visitor.login(email, password=word)).status_code for word in (PASSWORD, OTHER_PASSWORD)]
        assert sorted(passwords) == [200, 401]

    async def test_every_invalid_link_gets_the_same_answer(
        self, visitor: Visitor, email: str, readback: Readback
    ) -> None:
        await register(visitor, email)
        secret = await secret_to(readback, email)
        with clock.moved(timedelta(hours=24, seconds=1)):
            expired = await verify(visitor, secret)
        assert (await verify(visitor, secret)).status_code == 204
        refused = [
            expired,
            await verify(visitor, secret),
            await verify(visitor, "insula_ev_unknown"),
            await verify(visitor, secret.replace("insula_ev", "insula_pr")),
            await verify(visitor, "ü"),
        ]

        assert [shape(answer) for answer in refused] == [shape(expired)] * 5
        assert problem(expired) == (400, "link_refused")

    async def test_a_reset_link_is_refused_as_a_verification_link(
        self, visitor: Visitor, user: UserRow, readback: Readback
    ) -> None:
        await forgot(visitor, user.email)

        assert problem(await verify(visitor, await secret_to(readback, user.email))) == (400, "link_refused")


class TestResend:
    @pytest.mark.parametrize("used", [0, 1])
    async def test_both_links_are_valid_until_one_is_used(
        self, visitor: Visitor, email: str, readback: Readback, used: int
    ) -> None:
        await register(visitor, email)
        answer = await resend(visitor, email.upper())
        links = [mail.secret for mail in await emails_to(readback, email)]

        assert (answer.status_code, answer.json()) == (202, {"status": "look_into_your_mail"})
        assert (await verify(visitor, links[used])).status_code == 204
        assert problem(await verify(visitor, links[1 - used])) == (400, "link_refused")
        assert (await visitor.login(email)).status_code == 200

    async def test_no_link_is_sent_to_a_verified_or_unknown_address(
        self, visitor: Visitor, user: UserRow, email: str, readback: Readback
    ) -> None:
        for address, template in ((user.email, "account_exists"), (email, "no_account")):
            assert (await resend(visitor, address)).status_code == 202
            assert [mail.template for mail in await emails_to(readback, address)] == [template]
        assert await readback("select 1 from email_token where user_id = :id", id=user.id) == []


class TestUnverified:
    async def test_only_a_login_with_the_right_password_shows_the_unverified_state(
        self, visitor: Visitor, email: str
    ) -> None:
        await register(visitor, email)

        assert problem(await visitor.login(email)) == (403, "email_not_verified")
        assert shape(await visitor.login(email, password="wrong")) == shape(await visitor.login(new_email()))

    async def test_an_unverified_account_gets_no_session(
        self, visitor: Visitor, email: str, readback: Readback
    ) -> None:
        await register(visitor, email)
        await visitor.login(email)

        sessions = 'select 1 from auth_session s join "user" u on u.id = s.user_id where u.email = :email'
        assert await readback(sessions, email=email) == []
        await verify(visitor, await secret_to(readback, email))
        await visitor.login(email)
        assert len(await readback(sessions, email=email)) == 1


async def _lenient(visitor: Visitor, secret: str) -> httpx.Response:
    """Try from a new address, so that the attempts do not count together."""
    async with visitor.elsewhere() as other:
        return await verify(other, secret)
