"""The sign-in pages: only our own pages can send the forms, and nobody can frame them."""

from collections.abc import Mapping, Sequence

import pytest

from insula.core.settings import Settings
from tests.support.app import PASSWORD, Live
from tests.support.browsers import OWN_PAGE, Browser, browser_at, token_in
from tests.support.emails import Readback
from tests.support.factories import Factories, TenantRow, UserRow

SESSIONS = "select revoked_at is null as live from auth_session where user_id = :id order by created_at, id"
IN_GERMAN = {"accept_language": "de-AT, en;q=0.5"}


FORMS = ("/auth/sign-in", "/auth/tenant", "/auth/sign-out")
FOREIGN: Sequence[Mapping[str, str]] = (
    {"sec-fetch-site": "cross-site", "origin": "null"},
    {"sec-fetch-site": "same-site", "origin": "null"},
    {"sec-fetch-site": "none", "origin": "null"},
    {"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:8000"},
    {"sec-fetch-site": "same-origin", "origin": "http://evil.example"},
    {"origin": "http://evil.example"},
    {"origin": "https://127.0.0.1:8000"},
    {"origin": "http://127.0.0.1:8001"},
    {"origin": "null"},
    {},
)
"""The headers of forms that pages of other sites send, or programs."""


class TestForms:
    """Each form is sent once as an attacker could, and once as our page does."""

    async def fields(self, browser: Browser, user: UserRow, tenant: TenantRow, path: str) -> dict[str, str]:
        """Return the fields of a valid form; the other two forms need a session."""
        if path == "/auth/sign-in":
            return {"token": token_in(await browser.open(path)), "email": user.email, "password": PASSWORD}
        await browser.sign_in(user.email)
        page = await browser.open("/auth/tenant" if path == "/auth/tenant" else "/auth/session")
        return {"token": token_in(page), **({"tenant": tenant.slug} if path == "/auth/tenant" else {})}

    @pytest.mark.parametrize("path", FORMS)
    async def test_a_form_that_no_page_of_ours_sent_is_refused(
        self, browser: Browser, user: UserRow, tenants: tuple[TenantRow, TenantRow], readback: Readback, path: str
    ) -> None:
        fields = await self.fields(browser, user, tenants[0], path)
        before = await readback(SESSIONS, id=user.id)
        for headers in FOREIGN:
            refused = await browser.sending(headers).send(path, **fields)
            assert (headers, refused.status_code) == (headers, 403)
            assert refused.headers["content-type"] == "text/html; charset=utf-8"
            assert "The form came from another site" in refused.text
            assert "set-cookie" not in refused.headers

        assert await readback(SESSIONS, id=user.id) == before
        assert (await browser.send(path, **fields)).status_code == 303

    @pytest.mark.parametrize("path", FORMS)
    @pytest.mark.parametrize("origin", [True, False], ids=["by its origin", "without an origin"])
    async def test_a_form_of_our_page_is_known(
        self,
        browser: Browser,
        user: UserRow,
        tenants: tuple[TenantRow, TenantRow],
        path: str,
        origin: bool,  # noqa: FBT001 - a case
    ) -> None:
        own = str(browser.client.base_url).rstrip("/")
        headers = {"origin": own} if origin else {"sec-fetch-site": "same-origin"}
        fields = await self.fields(browser, user, tenants[0], path)

        assert (await browser.sending(headers).send(path, **fields)).status_code == 303

    @pytest.mark.parametrize("path", FORMS)
    async def test_a_form_without_its_token_is_refused(
        self,
        browser: Browser,
        live: Live,
        settings: Settings,
        user: UserRow,
        tenants: tuple[TenantRow, TenantRow],
        readback: Readback,
        path: str,
    ) -> None:
        fields = await self.fields(browser, user, tenants[0], path)
        of_another_form = "x"
        if path != "/auth/sign-in":
            other_page = "/auth/session" if path == "/auth/tenant" else "/auth/tenant"
            of_another_form = token_in(await browser.open(other_page))
        async with browser_at(live, settings.public_url) as other:
            of_another_browser = (await self.fields(other, user, tenants[0], path))["token"]
        before = await readback(SESSIONS, id=user.id)
        for token in ("", "\u00e9", of_another_form, of_another_browser):
            refused = await browser.send(path, **{**fields, "token": token})
            assert (refused.status_code, "out of date" in refused.text) == (403, True)

        assert await readback(SESSIONS, id=user.id) == before
        assert (await browser.send(path, **fields)).status_code == 303

    async def test_the_refused_sign_in_can_be_sent_again(self, browser: Browser, user: UserRow) -> None:
        refused = await browser.send("/auth/sign-in", token="x", email=user.email, password=PASSWORD)
        again = await browser.send("/auth/sign-in", token=token_in(refused), email=user.email, password=PASSWORD)

        assert (refused.status_code, again.status_code) == (403, 303)

    @pytest.mark.parametrize("path", FORMS)
    @pytest.mark.parametrize(
        ("body", "status"),
        [(b"email=a%00b", 400), (b"email=%ff", 400), (b"&".join([b"a=b"] * 9), 400), (b"a=" + b"b" * 8_192, 413)],
        ids=["NUL", "not utf-8", "many fields", "large"],
    )
    async def test_a_malformed_form_is_answered_with_a_page(
        self, browser: Browser, path: str, body: bytes, status: int
    ) -> None:
        headers = {**OWN_PAGE, "content-type": "application/x-www-form-urlencoded"}
        answer = await browser.client.post(path, content=body, headers=headers)

        assert (answer.status_code, "incompletely" in answer.text) == (status, True)


class TestPages:
    @pytest.mark.parametrize("path", ["/auth/sign-in", "/auth/tenant", "/auth/session", "/auth/signed-out"])
    async def test_no_page_can_be_framed_scripted_cached_or_followed(
        self, browser: Browser, user: UserRow, tenants: tuple[TenantRow, TenantRow], path: str
    ) -> None:
        if path in {"/auth/tenant", "/auth/session"}:
            await browser.sign_in(user.email)
        page = await browser.open(path, origin="https://evil.example")

        assert page.status_code == 200
        assert page.headers["content-security-policy"] == (
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; "
            "frame-ancestors 'none'"
        )
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["vary"] == "Accept-Language, Cookie"
        assert "access-control-allow-origin" not in page.headers
        assert "<script" not in page.text
        assert " style=" not in page.text
        assert page.text.count("<h1") == 1
        assert tenants

    async def test_a_page_is_in_the_visitors_language(self, browser: Browser, user: UserRow) -> None:
        english, german = await browser.open("/auth/sign-in"), await browser.open("/auth/sign-in", **IN_GERMAN)
        await browser.sign_in(user.email)
        shown = await browser.open("/auth/session", **IN_GERMAN)

        assert (english.headers["content-language"], german.headers["content-language"]) == ("en", "de")
        assert '<html lang="de">' in german.text
        assert "Zum Inhalt springen" in german.text
        assert "Sign in" in english.text
        assert "Sign in" not in german.text
        assert "Sie sind angemeldet" in shown.text

    async def test_names_are_escaped(self, browser: Browser, user: UserRow, make: Factories) -> None:
        tenant = await make.tenant(name="<b>Acme</b>")
        await make.member(tenant, user=user)
        await browser.sign_in(user.email)

        assert "&lt;b&gt;Acme&lt;/b&gt;" in (await browser.open("/auth/session")).text

    @pytest.mark.parametrize("path", ["/account/register", "/account/forgot", "/account/resend", "/account/reset"])
    async def test_the_account_pages_lead_to_the_sign_in_page(self, browser: Browser, path: str) -> None:
        assert '<a href="/auth/sign-in">Sign in</a>' in (await browser.open(path)).text
