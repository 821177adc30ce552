"""``/auth/end-session``: with a valid hint a client ends the browser's session; else the user is asked."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

import httpx
import pytest
from joserfc.jwk import RSAKey

from insula.core import clock
from insula.core.settings import Settings
from tests.signin.conftest import GRANTS
from tests.support.app import PASSWORD, Live
from tests.support.browsers import Browser, browser_at, token_in
from tests.support.emails import Readback
from tests.support.factories import Factories, MadeClient, TenantRow, UserRow
from tests.support.oauth_flow import CALLBACK, Flow, action_in
from tests.support.tokens import Forge
from tests.support.waiting import until

END_SESSION: Final = "/auth/end-session"
SIGNED_OUT: Final = "/auth/signed-out"
OUT: Final = "https://client.example.com/out"
LIVE: Final = "select client_id from auth_session where user_id = :id and revoked_at is null"


@pytest.fixture
async def third_party(make: Factories, own_tenant: TenantRow) -> MadeClient:
    """Return a public client of the tenant, to which users come back after a logout."""
    return await make.oauth_client(
        own_tenant,
        "rack:read",
        kind="public",
        grants=GRANTS,
        redirect_uris=[CALLBACK],
        post_logout_redirect_uris=[OUT, f"{OUT}?from=insula"],
    )


@pytest.fixture
async def ready(flow: Flow, user: UserRow) -> Flow:
    """Return the flow of a user who is signed in and has agreed."""
    await flow.decide(await flow.sign_in(await flow.authorize(scope="openid"), user.email))
    return flow


async def tokens(flow: Flow, client: httpx.AsyncClient) -> Mapping[str, str]:
    found: Mapping[str, str] = (await flow.exchange(client, await flow.code(scope="openid"))).json()
    return found


async def leave(browser: Browser, **parameters: str) -> httpx.Response:
    return await browser.open(f"{END_SESSION}?{urlencode(parameters)}")


async def is_asked(answer: httpx.Response, browser: Browser) -> bool:
    """Return whether the answer asks the user, who is still signed in."""
    asks = (answer.status_code, 'action="/auth/sign-out"' in answer.text) == (200, True)
    assert asks == await browser.is_signed_in()
    return asks


def led(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.headers.get("location", "")


class TestWithAHint:
    async def test_it_ends_the_browsers_session_with_all_that_it_gave(
        self, client: httpx.AsyncClient, ready: Flow, own_flow: Flow, user: UserRow, readback: Readback
    ) -> None:
        mine, others = await tokens(ready, client), await tokens(own_flow, client)
        renewed = (await own_flow.refresh(client, others["refresh_token"])).json()
        assert len(await readback(LIVE, id=user.id)) == 3
        state = "as it was/%&sent"
        answer = await leave(
            ready.browser, id_token_hint=mine["id_token"], post_logout_redirect_uri=OUT, state=state, ui_locales="de"
        )
        assert led(answer) == (303, f"{OUT}?{urlencode({'state': state})}")
        assert (ready.browser.secret, await ready.browser.is_signed_in()) == ("", False)
        assert await readback(LIVE, id=user.id) == []
        for flow, token in ((ready, mine["refresh_token"]), (own_flow, renewed["refresh_token"])):
            assert (await flow.refresh(client, token)).json()["error"] == "invalid_grant"
        recorded = "select action from audit_event where request_id = :id and address <> ''"
        assert await readback(recorded, id=answer.headers["x-request-id"]) == [{"action": "session.closed"}]

    async def test_other_browsers_of_the_user_stay_signed_in(
        self, client: httpx.AsyncClient, ready: Flow, live: Live, settings: Settings, user: UserRow
    ) -> None:
        async with browser_at(live, settings.public_url) as other:
            await other.sign_in(user.email)
            hint = (await tokens(ready, client))["id_token"]
            assert await is_asked(await leave(other, id_token_hint=hint), other)
            assert led(await leave(ready.browser, id_token_hint=hint)) == (303, SIGNED_OUT)
            assert await other.is_signed_in()
            assert not await ready.browser.is_signed_in()

    async def test_an_expired_hint_is_good(self, client: httpx.AsyncClient, ready: Flow, settings: Settings) -> None:
        hint = (await tokens(ready, client))["id_token"]
        with clock.moved(timedelta(seconds=settings.auth.access_token_seconds + 300)):
            assert led(await leave(ready.browser, id_token_hint=hint, post_logout_redirect_uri=OUT)) == (303, OUT)
            assert not await ready.browser.is_signed_in()

    async def test_the_hint_of_a_session_that_its_client_has_ended_is_good(
        self, client: httpx.AsyncClient, ready: Flow, user: UserRow, readback: Readback
    ) -> None:
        hint = (await tokens(ready, client))["id_token"]
        await readback("update auth_session set revoked_at = now() where client_id = :id", id=ready.client.id)
        assert await ready.browser.is_signed_in()
        assert led(await leave(ready.browser, id_token_hint=hint, post_logout_redirect_uri=OUT)) == (303, OUT)
        assert await readback(LIVE, id=user.id) == []

    async def test_it_leads_to_registered_uris_alone(self, client: httpx.AsyncClient, ready: Flow) -> None:
        hint = (await tokens(ready, client))["id_token"]
        for uri in (CALLBACK, f"{OUT}/", f"{OUT}/2", OUT.upper(), f"{OUT}#", f"{OUT}?", "https://evil.example.com", ""):
            answer = await leave(ready.browser, id_token_hint=hint, post_logout_redirect_uri=uri, state="s")
            assert led(answer) == (303, SIGNED_OUT), uri
        for uri, found in ((OUT, f"{OUT}?state=s"), (f"{OUT}?from=insula", f"{OUT}?from=insula&state=s")):
            answer = await leave(ready.browser, id_token_hint=hint, post_logout_redirect_uri=uri, state="s")
            assert led(answer) == (303, found)
        assert led(await leave(ready.browser, post_logout_redirect_uri=OUT)) == (303, SIGNED_OUT)

    async def test_a_uri_that_was_taken_back_leads_nowhere(
        self, client: httpx.AsyncClient, ready: Flow, readback: Readback
    ) -> None:
        hint = (await tokens(ready, client))["id_token"]
        assert led(await leave(ready.browser, id_token_hint=hint, post_logout_redirect_uri=OUT)) == (303, OUT)
        statement = "update oauth_client set post_logout_redirect_uris = '{}' where id = :id"
        await readback(statement, id=ready.client.id)

        async def is_unknown() -> bool:
            answer = await leave(ready.browser, id_token_hint=hint, post_logout_redirect_uri=OUT)
            return led(answer) == (303, SIGNED_OUT)

        await until(is_unknown)


class TestWithoutAValidHint:
    async def test_the_user_is_asked_and_a_click_signs_out(
        self, ready: Flow, user: UserRow, readback: Readback
    ) -> None:
        browser = ready.browser
        shown = await leave(browser, client_id=str(ready.client.id), post_logout_redirect_uri=OUT)
        assert await is_asked(shown, browser)
        assert "form-action 'self';" in shown.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in shown.headers["content-security-policy"]
        assert (user.email in shown.text, shown.headers["referrer-policy"]) == (True, "no-referrer")
        foreign = browser.sending({"sec-fetch-site": "cross-site", "origin": "https://evil.example.com"})
        assert (await foreign.send(action_in(shown), token=token_in(shown))).status_code == 403
        assert (await browser.send(action_in(shown), token="x")).status_code == 403
        assert await browser.is_signed_in()
        clicked = await browser.send(action_in(shown), token=token_in(shown))
        assert (led(clicked), browser.secret) == ((303, SIGNED_OUT), "")
        assert await readback(LIVE, id=user.id) == []
        assert led(await leave(browser)) == (303, SIGNED_OUT)

    async def test_the_question_is_in_the_visitors_language(self, ready: Flow) -> None:
        for language, text in (("de", "Angemeldet bleiben"), ("en", "Stay signed in")):
            shown = await ready.browser.open(END_SESSION, accept_language=language)
            assert (shown.headers["content-language"], text in shown.text) == (language, True)

    async def test_a_forged_hint_is_void(
        self, client: httpx.AsyncClient, ready: Flow, live: Live, settings: Settings, user: UserRow, readback: Readback
    ) -> None:
        given = await tokens(ready, client)
        [row] = await readback("select id from auth_session where client_id = :id", id=ready.client.id)
        forge = await Forge.of(settings, live.kernel.keys)
        good = forge.claims(aud=str(ready.client.id), sub=str(user.id), sid=str(row["id"]))
        header, foreign = forge.header(typ="JWT"), RSAKey.generate_key(2048)
        changes: list[dict[str, object]] = [
            {"iss": f"{settings.public_url}/"},
            {"iss": "https://evil.example.com"},
            {"aud": [str(ready.client.id)]},
            {"aud": str(user.id)},
            {"aud": ready.resource},
            {"sub": str(row["id"])},
            {"sid": str(user.id)},
            {"sid": None},
        ]
        void = [forge.sign({**good, **change}, header) for change in changes]
        void += [
            forge.sign(good, {**header, **change}) for change in ({"typ": "at+jwt"}, {"alg": "none"}, {"kid": "x"})
        ]
        void += [forge.sign(good, header, foreign), f"{forge.unsigned(good, header)}.", given["access_token"]]
        void += ["", "x", "a.b.c", "\N{SNOWMAN}", given["refresh_token"]]
        for token in void:
            answer = await leave(ready.browser, id_token_hint=token, post_logout_redirect_uri=OUT)
            assert await is_asked(answer, ready.browser), token
        answer = await leave(ready.browser, id_token_hint=forge.sign(good, header), post_logout_redirect_uri=OUT)
        assert led(answer) == (303, OUT)
        assert not await ready.browser.is_signed_in()

    async def test_the_hint_of_another_client_or_another_users_session_is_void(
        self, client: httpx.AsyncClient, ready: Flow, live: Live, settings: Settings, make: Factories
    ) -> None:
        hint, other = (await tokens(ready, client))["id_token"], await make.user(password=PASSWORD)
        answer = await leave(ready.browser, id_token_hint=hint, client_id=str(other.id))
        assert await is_asked(answer, ready.browser)
        async with browser_at(live, settings.public_url) as theirs:
            await theirs.sign_in(other.email)
            assert await is_asked(await leave(theirs, id_token_hint=hint, post_logout_redirect_uri=OUT), theirs)
        answer = await leave(ready.browser, id_token_hint=hint, client_id=str(ready.client.id))
        assert led(answer) == (303, SIGNED_OUT)

    async def test_the_hint_of_a_revoked_client_is_void(
        self, client: httpx.AsyncClient, ready: Flow, own_flow: Flow, readback: Readback
    ) -> None:
        hint, kept = (await tokens(ready, client))["id_token"], (await tokens(own_flow, client))["id_token"]
        await readback("update oauth_client set revoked_at = now() where id = :id", id=ready.client.id)

        async def is_refused() -> bool:
            return (await ready.refresh(client, "x")).status_code == 401

        await until(is_refused)
        assert await is_asked(await leave(ready.browser, id_token_hint=hint), ready.browser)
        assert led(await leave(ready.browser, id_token_hint=kept)) == (303, SIGNED_OUT)


class TestForms:
    async def test_a_posted_request_is_sent_on_by_get(self, client: httpx.AsyncClient, ready: Flow) -> None:
        sent = {"id_token_hint": (await tokens(ready, client))["id_token"], "post_logout_redirect_uri": OUT}
        foreign = ready.browser.sending({"sec-fetch-site": "cross-site", "origin": "https://client.example.com"})
        posted = await foreign.send(END_SESSION, **sent)
        assert led(posted) == (303, f"{END_SESSION}?{urlencode(sent)}")
        assert await ready.browser.is_signed_in()
        assert led(await ready.browser.open(posted.headers["location"])) == (303, OUT)
        assert not await ready.browser.is_signed_in()

    async def test_malformed_requests_change_nothing(self, client: httpx.AsyncClient, ready: Flow) -> None:
        hint, browser = (await tokens(ready, client))["id_token"], ready.browser
        for query in (f"id_token_hint={hint}&id_token_hint={hint}", "state=%00", "state=%ff", f"state={'x' * 5000}"):
            assert (await browser.open(f"{END_SESSION}?{query}")).status_code == 400, query
        posts: list[dict[str, object]] = [
            {"json": {"id_token_hint": hint}},
            {"data": {"state": "x" * 9000}},
            {"content": "state=\N{SNOWMAN}".encode(), "headers": {"content-type": "application/x-www-form-urlencoded"}},
            {"data": {"id_token_hint": hint}, "params": {"state": "s"}},
        ]
        for parts in posts:
            assert (await browser.client.post(END_SESSION, **parts)).status_code == 400, parts  # type: ignore[arg-type]  # any of its parts
        assert await browser.is_signed_in()
        assert led(await leave(browser, id_token_hint=hint)) == (303, SIGNED_OUT)
