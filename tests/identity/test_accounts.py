"""Registering and verifying over HTTP: the resulting account, and every error."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from insula.audit import PLATFORM
from insula.core.errors import Unavailable
from insula.core.settings import Settings
from insula.limits.mails import REGISTRATION, RESET, VERIFICATION, MailKind
from tests.support.app import PASSWORD, Live
from tests.support.apps import MAIL_JOBS
from tests.support.emails import SECRET, Readback, emails_to, secret_to
from tests.support.factories import UserRow
from tests.support.mail import Sink
from tests.support.newcomers import OTHER_PASSWORD, forgot, register, resend, verify
from tests.support.visitors import Visitor, problem, visitor_at
from tests.support.waiting import until
from tests.support.worker import quick, working

MailRequest = Callable[[Visitor, str], Awaitable[httpx.Response]]
MAIL_REQUESTS: dict[MailKind, MailRequest] = {REGISTRATION: register, VERIFICATION: resend, RESET: forgot}


async def account(readback: Readback, email: str) -> dict[str, object]:
    [row] = await readback(
        'select u.id, u.name, u.version, u.email_verified_at is not null as verified, c.password_hash from "user" u '
        "join credential c on c.user_id = u.id where u.email = :email",
        email=email,
    )
    return row


async def events(readback: Readback, answer: httpx.Response) -> list[dict[str, object]]:
    return await readback(
        "select tenant_id, actor_kind, actor_id, action, object_id, address from audit_event where request_id = :id",
        id=answer.headers["x-request-id"],
    )


class TestRegister:
    async def test_the_link_of_a_delivered_email_leads_to_a_session(
        self,
        visitor: Visitor,
        email: str,
        settings: Settings,
        sink: Sink,
    ) -> None:
        answer = await register(visitor, f"  {email.upper()} ")
        assert (answer.status_code, answer.json()) == (202, {"status": "look_into_your_mail"})
        assert answer.headers["cache-control"] == "no-store"
        async with working(quick(sink.settings(settings)), MAIL_JOBS):
            await until(lambda: bool(sink.to(email)))
            text = sink.to(email)[0].get_body(("plain",))
            assert text is not None
            found = SECRET.search(text.get_content())
            assert found is not None
            assert f"{settings.public_url}/account/verify#token=insula_ev_" in text.get_content()

            assert problem(await visitor.login(email)) == (403, "email_not_verified")
            assert (await verify(visitor, found[0])).status_code == 204
            opened = await visitor.login(email)
            await until(lambda: len(sink.to(email)) == 2)

        assert (await visitor.get("/api/v1/me", opened.json()["access_token"])).json()["name"] == "Ada"
        assert sink.to(email)[1]["Subject"] == "Welcome to Insula"

    async def test_registration_and_verification_are_audited(
        self, visitor: Visitor, email: str, readback: Readback
    ) -> None:
        registered = await register(visitor, email)
        verified = await verify(visitor, await secret_to(readback, email))

        user_id = (await account(readback, email))["id"]
        for answer, action in ((registered, "user.registered"), (verified, "user.verified")):
            [event] = await events(readback, answer)
            assert event["action"] == action
            assert (event["tenant_id"], event["actor_kind"], event["actor_id"]) == (PLATFORM, "user", user_id)
            assert (event["object_id"], event["address"]) == (str(user_id), visitor.address)

    async def test_no_usable_secret_is_stored(self, visitor: Visitor, email: str, readback: Readback) -> None:
        await register(visitor, email)
        secret = await secret_to(readback, email)

        rows = await readback(
            'select t::text as row from email_token t join "user" u on u.id = t.user_id where u.email = :email',
            email=email,
        )
        assert len(rows) == 1
        assert secret not in str(rows)
        assert PASSWORD not in str(rows)

    async def test_registering_a_verified_address_changes_nothing(
        self, visitor: Visitor, user: UserRow, readback: Readback
    ) -> None:
        before = await account(readback, user.email)
        answer = await register(visitor, user.email, name="Mallory", password=OTHER_PASSWORD)

        assert answer.status_code == 202
        assert await account(readback, user.email) == before
        assert [mail.template for mail in await emails_to(readback, user.email)] == ["account_exists"]
        assert await readback("select 1 from email_token where user_id = :id", id=user.id) == []
        assert (await visitor.login(user.email)).status_code == 200

    @pytest.mark.parametrize("followed", [0, 1])
    async def test_the_verifying_persons_name_and_password_win_for_either_link(
        self, visitor: Visitor, email: str, readback: Readback, followed: int
    ) -> None:
        await register(visitor, email, name="Ada")
        await register(visitor, email, name="Mallory", password=OTHER_PASSWORD)
        links = [mail.secret for mail in await emails_to(readback, email)]

        assert (await verify(visitor, links[followed])).status_code == 204

        assert (await account(readback, email))["name"] == "Ada"
        assert (await visitor.login(email)).status_code == 200
        assert problem(await visitor.login(email, password=OTHER_PASSWORD)) == (401, "login_refused")
        assert problem(await verify(visitor, links[1 - followed])) == (400, "link_refused")

    async def test_verifying_discards_the_name_and_password_of_a_strangers_registration(
        self, visitor: Visitor, email: str, readback: Readback
    ) -> None:
        await register(visitor, email, name="Mallory", password=OTHER_PASSWORD)
        link = await secret_to(readback, email)

        for easy in ("password1234", email.upper()):
            assert problem(await verify(visitor, link, easy)) == (422, "password_too_easy")
        assert (await verify(visitor, link)).status_code == 204

        assert (await account(readback, email))["name"] == email.partition("@")[0]
        assert problem(await visitor.login(email, password=OTHER_PASSWORD)) == (401, "login_refused")
        assert (await visitor.login(email)).status_code == 200

    @pytest.mark.parametrize(
        "change",
        [
            {"email": "no address"},
            {"email": "a@b\r\nBcc: x@example.com"},
            {"email": "a@example.com\r\nBcc: x@example.com"},
            {"email": "a@example.com, b@example.com"},
            {"email": "Ada <a@example.com>"},
            {"email": "ａda@example.com"},  # noqa: RUF001 - another letter than it seems, hence the test
            {"email": f"{'a' * 250}@example.com"},
            {"email": "x" * 10_000},
            {"email": None},
            {"name": ""},
            {"name": "  "},
            {"name": "x" * 121},
            {"name": "Ada\r\nBcc: x@example.com"},
            {"name": "A\x85da"},
            {"password": "elevenchars"},
            {"password": "x" * 129},
            {"password": None},
            {"role": "owner"},
            {"email_verified_at": "2026-01-01T00:00:00Z"},
            {"status": "active"},
        ],
    )
    async def test_a_body_of_the_wrong_form_is_refused(
        self, visitor: Visitor, email: str, readback: Readback, change: dict[str, object]
    ) -> None:
        answer = await register(visitor, email, **change)

        assert problem(answer) == (422, "invalid_request")
        assert answer.json()["field_errors"][0]["field"] == next(iter(change))
        assert await readback('select 1 from "user" where email = :email', email=email) == []
        assert (await register(visitor, email)).status_code == 202

    @pytest.mark.parametrize("raw", [b"\\u0000", b"\\ud800", b"\xff", b"\x00"])
    @pytest.mark.parametrize("field", ["email", "name", "password"])
    async def test_text_that_cannot_be_stored_is_refused(self, visitor: Visitor, field: str, raw: bytes) -> None:
        body = {"email": b"a@example.com", "name": b"Ada", "password": PASSWORD.encode()}
        body[field] += raw
        json = b"{" + b",".join(b'"%s":"%s"' % (name.encode(), value) for name, value in body.items()) + b"}"
        answer = await visitor.client.post("/auth/register", content=json, headers={"content-type": "application/json"})

        assert answer.status_code in (400, 422)

    @pytest.mark.parametrize(
        "password",
        ["password1234", "PassWord-1234", "aaaaaaaaaaaaaaaa", "abababababab", "1234 5678 9012", "{email}", "{local}"],
    )
    async def test_common_passwords_are_refused(self, visitor: Visitor, email: str, password: str) -> None:
        easy = password.format(email=email.upper(), local=email.partition("@")[0])

        assert problem(await register(visitor, email, password=easy)) == (422, "password_too_easy")
        assert (await register(visitor, email)).status_code == 202

    async def test_the_users_name_is_refused_as_a_password(self, visitor: Visitor, email: str) -> None:
        answer = await register(visitor, email, name="Ada Lovelace King", password="ada.lovelace.king")

        assert problem(answer) == (422, "password_too_easy")

    @pytest.mark.parametrize("password", ["пароль из слов", "🦜🦜 кот and two parrots", "        spaced out "])
    async def test_a_password_may_contain_any_characters(
        self, visitor: Visitor, email: str, password: str, readback: Readback
    ) -> None:
        assert (await register(visitor, email, password=password)).status_code == 202
        await verify(visitor, await secret_to(readback, email), password)
        assert (await visitor.login(email, password=password)).status_code == 200

    async def test_an_international_domain_has_one_spelling(
        self, visitor: Visitor, email: str, readback: Readback
    ) -> None:
        local = email.partition("@")[0]
        await register(visitor, f"{local}@BÜCHER.example")
        await verify(visitor, await secret_to(readback, f"{local}@xn--bcher-kva.example"))

        assert (await visitor.login(f"{local}@bücher.example")).status_code == 200
        assert (await visitor.login(f"{local}@xn--bcher-kva.example")).status_code == 200


class TestUnqueuedEmail:
    @pytest.mark.parametrize(
        ("kind", "request_mail"), [*MAIL_REQUESTS.items()], ids=[kind.name for kind in MAIL_REQUESTS]
    )
    async def test_an_email_that_could_not_be_queued_is_not_counted(
        self,
        live: Live,
        settings: Settings,
        readback: Readback,
        email: str,
        monkeypatch: pytest.MonkeyPatch,
        kind: MailKind,
        request_mail: MailRequest,
    ) -> None:
        with monkeypatch.context() as broken:
            broken.setattr("insula.identity.accounts.mailing.send_mail", _lose_the_database)
            for _ in range(kind.to_mailbox.limit):
                async with visitor_at(live, settings) as visitor:
                    assert problem(await request_mail(visitor, email)) == (503, "unavailable")

        async with visitor_at(live, settings) as visitor:
            assert (await request_mail(visitor, email)).status_code == 202
        assert len(await emails_to(readback, email)) == 1


async def _lose_the_database(*_args: object, **_values: object) -> None:
    raise Unavailable
