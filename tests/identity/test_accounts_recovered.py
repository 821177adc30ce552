"""Forgotten passwords over HTTP: a link, a new password, and the end of all sessions."""

import asyncio
from datetime import timedelta

from insula.core import clock
from tests.support.app import PASSWORD
from tests.support.emails import Readback, emails_to, secret_to
from tests.support.factories import Factories, UserRow
from tests.support.newcomers import OTHER_PASSWORD, forgot, register, reset, verify
from tests.support.visitors import Visitor, problem, shape
from tests.support.waiting import answers


class TestReset:
    async def test_the_new_password_is_accepted_and_the_old_one_refused(
        self, visitor: Visitor, user: UserRow, readback: Readback
    ) -> None:
        answer = await forgot(visitor, user.email.upper())
        assert (answer.status_code, answer.json()) == (202, {"status": "look_into_your_mail"})

        assert (await reset(visitor, await secret_to(readback, user.email))).status_code == 204

        assert problem(await visitor.login(user.email)) == (401, "login_refused")
        assert (await visitor.login(user.email, password=OTHER_PASSWORD)).status_code == 200
        templates = [mail.template for mail in await emails_to(readback, user.email)]
        assert templates == ["password_reset", "password_changed"]

    async def test_every_session_ends(self, visitor: Visitor, user: UserRow, readback: Readback) -> None:
        opened = (await visitor.login(user.email)).json()
        assert (await visitor.get("/api/v1/me", opened["access_token"])).status_code == 200
        await forgot(visitor, user.email)
        await reset(visitor, await secret_to(readback, user.email))

        assert problem(await visitor.refresh(opened["refresh_token"])) == (401, "refresh_token_refused")
        await answers(401, lambda: visitor.get("/api/v1/me", opened["access_token"]))

    async def test_links_are_valid_for_an_hour_until_one_is_used(
        self, visitor: Visitor, user: UserRow, readback: Readback
    ) -> None:
        for _ in range(3):
            await forgot(visitor, user.email)
        oldest, middle, newest = [mail.secret for mail in await emails_to(readback, user.email)]
        with clock.moved(timedelta(hours=1, seconds=1)):
            expired = await reset(visitor, middle)
        refused = [expired, await reset(visitor, "insula_pr_unknown")]
        assert (await reset(visitor, middle)).status_code == 204
        refused += [await reset(visitor, secret) for secret in (oldest, middle, newest)]

        assert [shape(answer) for answer in refused] == [shape(expired)] * 5
        assert problem(expired) == (400, "link_refused")

    async def test_one_of_many_concurrent_resets_succeeds(
        self, visitor: Visitor, user: UserRow, readback: Readback
    ) -> None:
        await forgot(visitor, user.email)
        secret = await secret_to(readback, user.email)
        words = [f"{number} purple lanterns" for number in range(20)]

        found = await asyncio.gather(*(reset(visitor, secret, word) for word in words))

        statuses = [answer.status_code for answer in found]
        assert sorted(statuses) == [204] + [400] * 19
        assert (await visitor.login(user.email, password=words[statuses.index(204)])).status_code == 200

    async def test_a_refused_password_does_not_use_the_link_up(
        self, visitor: Visitor, user: UserRow, readback: Readback
    ) -> None:
        await forgot(visitor, user.email)
        secret = await secret_to(readback, user.email)

        for easy in ("password1234", user.email.upper()):
            assert problem(await reset(visitor, secret, easy)) == (422, "password_too_easy")
        assert problem(await reset(visitor, secret, "too short")) == (422, "invalid_request")
        assert (await reset(visitor, secret)).status_code == 204

    async def test_a_reset_verifies_an_unverified_address(
        self, visitor: Visitor, email: str, readback: Readback
    ) -> None:
        await register(visitor, email)
        link = await secret_to(readback, email)
        await forgot(visitor, email)

        assert (await reset(visitor, await secret_to(readback, email))).status_code == 204

        assert (await visitor.login(email, password=OTHER_PASSWORD)).status_code == 200
        assert problem(await visitor.login(email, password=PASSWORD)) == (401, "login_refused")
        assert problem(await verify(visitor, link)) == (400, "link_refused")

    async def test_a_reset_that_verifies_an_account_discards_its_unverified_name(
        self, visitor: Visitor, email: str, readback: Readback
    ) -> None:
        await register(visitor, email, name="Payroll, call 555")
        await forgot(visitor, email)

        assert (await reset(visitor, await secret_to(readback, email))).status_code == 204

        (user,) = await readback('select name from "user" where email = :email', email=email)
        assert user["name"] == email.partition("@")[0]

    async def test_a_verification_link_sets_no_password(self, visitor: Visitor, email: str, readback: Readback) -> None:
        await register(visitor, email)
        link = await secret_to(readback, email)

        assert problem(await reset(visitor, link)) == (400, "link_refused")
        assert (await verify(visitor, link)).status_code == 204

    async def test_a_suspended_user_cannot_log_in_after_a_reset(
        self, visitor: Visitor, make: Factories, readback: Readback
    ) -> None:
        suspended = await make.user(password=PASSWORD, status="suspended")
        await forgot(visitor, suspended.email)

        assert (await reset(visitor, await secret_to(readback, suspended.email))).status_code == 204
        assert problem(await visitor.login(suspended.email, password=OTHER_PASSWORD)) == (401, "login_refused")

    async def test_a_reset_is_audited_without_the_password(
        self, visitor: Visitor, user: UserRow, readback: Readback
    ) -> None:
        await forgot(visitor, user.email)
        answer = await reset(visitor, await secret_to(readback, user.email))

        [event] = await readback(
            "select action, actor_id, e::text as row from audit_event e where request_id = :id",
            id=answer.headers["x-request-id"],
        )
        assert (event["action"], event["actor_id"]) == ("user.password_reset", user.id)
        assert OTHER_PASSWORD not in event["row"]
