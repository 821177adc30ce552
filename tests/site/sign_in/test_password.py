"""The sign-in pages: a password opens a browser's session, which a cookie holds."""

from collections.abc import Mapping

import pytest

from insula.core.settings import Settings
from insula.signin.login_throttle import ThrottleRates
from tests.support.app import PASSWORD, Live
from tests.support.browsers import Browser, browser_at, token_in
from tests.support.emails import Readback
from tests.support.factories import Factories, TenantRow, UserRow

SESSIONS = "select revoked_at is null as live from auth_session where user_id = :id order by created_at, id"


class TestSigningIn:
    async def test_a_password_opens_a_session_that_the_page_shows(self, browser: Browser, user: UserRow) -> None:
        answer = await browser.sign_in(user.email)
        shown = await browser.open("/auth/session")

        assert (answer.status_code, answer.headers["location"]) == (303, "/auth/session")
        assert (shown.status_code, user.email in shown.text, user.name in shown.text) == (200, True, True)
        assert PASSWORD not in shown.text
        assert browser.secret not in shown.text

    async def test_a_user_who_is_signed_in_sees_the_session_in_place_of_the_form(
        self, browser: Browser, user: UserRow
    ) -> None:
        await browser.sign_in(user.email)
        for path in ("/auth/sign-in", "/auth/signed-out"):
            answer = await browser.open(path)
            assert (answer.status_code, answer.headers["location"]) == (303, "/auth/session")

    @pytest.mark.parametrize("path", ["/auth/session", "/auth/tenant"])
    async def test_a_visitor_is_led_to_the_form(self, browser: Browser, path: str) -> None:
        answer = await browser.open(path)

        assert (answer.status_code, answer.headers["location"]) == (303, "/auth/sign-in")

    async def test_a_wrong_password_and_an_unknown_account_get_the_same_page(
        self, browser: Browser, live: Live, settings: Settings, user: UserRow
    ) -> None:
        wrong = await browser.sign_in(user.email, "wrong password")
        async with browser_at(live, settings.public_url) as other:
            unknown = await other.sign_in("nobody@example.com", "wrong password")
        pages = [
            page.text.replace(token_in(page), "").replace(email, "")
            for page, email in ((wrong, user.email), (unknown, "nobody@example.com"))
        ]

        assert (wrong.status_code, unknown.status_code) == (422, 422)
        assert pages[0] == pages[1]
        assert "Email or password is wrong." in pages[0]
        assert "wrong password" not in pages[0]
        assert browser.secret == ""

    async def test_a_suspended_user_gets_that_page_too(
        self, browser: Browser, user: UserRow, readback: Readback
    ) -> None:
        await readback("update \"user\" set status = 'suspended' where id = :id", id=user.id)

        assert "Email or password is wrong." in (await browser.sign_in(user.email)).text

    async def test_an_address_that_is_not_verified_leads_to_a_new_link(
        self, browser: Browser, user: UserRow, readback: Readback
    ) -> None:
        await readback('update "user" set email_verified_at = null where id = :id', id=user.id)
        refused = await browser.sign_in(user.email)

        assert (refused.status_code, browser.secret) == (422, "")
        assert '<a href="/account/resend">' in refused.text

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"password": PASSWORD}, "email"),
            ({"email": "a" * 321, "password": "x"}, "email"),
            ({"email": "a"}, "password"),
        ],
        ids=["no email", "long email", "no password"],
    )
    async def test_an_error_stands_beside_its_field(
        self, browser: Browser, fields: Mapping[str, str], field: str
    ) -> None:
        token = token_in(await browser.open("/auth/sign-in"))
        refused = await browser.send("/auth/sign-in", token=token, **fields)

        assert refused.status_code == 422
        assert refused.text.count('aria-invalid="true"') == 1
        assert f'<p class="error" id="{field}-error">Write your' in refused.text

    async def test_pages_and_api_share_the_limit_of_attempts(
        self, browser: Browser, live: Live, settings: Settings, user: UserRow
    ) -> None:
        token = token_in(await browser.open("/auth/sign-in"))
        limit, overlong = ThrottleRates().by_account_and_address, "x" * 1_025  # refused before it is hashed
        wrong = {"email": user.email, "password": overlong, "token": token}
        found = {(await browser.send("/auth/sign-in", **wrong)).status_code for _ in range(limit)}
        refused = await browser.send("/auth/sign-in", email=user.email, password=PASSWORD, token=token)
        body = {"email": user.email, "password": PASSWORD, "resource": "x"}
        at_the_api = await browser.client.post("/auth/login", json=body)
        async with browser_at(live, settings.public_url) as other:
            elsewhere = await other.sign_in(user.email)

        assert (found, refused.status_code, at_the_api.status_code) == ({422}, 429, 429)
        assert int(refused.headers["retry-after"]) >= 1
        assert "Too many attempts" in refused.text
        assert elsewhere.status_code == 303


class TestCookies:
    @pytest.mark.parametrize(
        ("scheme", "name", "secure"), [("http", "insula_session", False), ("https", "__Host-insula_session", True)]
    )
    async def test_the_attributes_follow_the_scheme(
        self,
        live: Live,
        settings: Settings,
        user: UserRow,
        scheme: str,
        name: str,
        secure: bool,  # noqa: FBT001 - a case
    ) -> None:
        origin = settings.public_url.replace("http", scheme, 1)
        async with browser_at(live, origin) as browser:
            form = await browser.open("/auth/sign-in")
            answer = await browser.sign_in(user.email)
            assert await browser.is_signed_in()
        made, forgotten = answer.headers.get_list("set-cookie")

        assert made.startswith(f"{name}=insula_bs_")
        assert sorted(made.split("; ")[1:]) == sorted(
            ["HttpOnly", "Path=/", "SameSite=lax", *(["Secure"] if secure else [])]
        )
        assert form.headers["set-cookie"].startswith(name.replace("session", "form"))
        assert "Max-Age=0" in forgotten
        assert forgotten.startswith(name.replace("session", "form"))

    async def test_an_installation_with_https_never_sends_a_cookie_for_http(
        self, live: Live, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        secured = settings.model_copy(update={"public_url": settings.public_url.replace("http", "https", 1)})
        monkeypatch.setattr("insula.signin.browser.cookies.kernel_of", lambda _request: _Kernel(secured))
        async with browser_at(live, settings.public_url) as browser:
            made = (await browser.open("/auth/sign-in")).headers["set-cookie"]

        assert made.startswith("__Host-insula_form=")
        assert "; Secure" in made

    async def test_the_secret_is_stored_hashed(self, browser: Browser, user: UserRow, readback: Readback) -> None:
        await browser.sign_in(user.email)
        [row] = await readback(
            "select b::text as row from browser_session b join auth_session s on s.id = b.session_id"
            " where s.user_id = :id",
            id=user.id,
        )

        assert browser.secret.startswith("insula_bs_")
        assert browser.secret.removeprefix("insula_bs_") not in str(row["row"])

    @pytest.mark.parametrize("secret", ["insula_bs_" + "A" * 43, "insula_bs_", "x" * 5_000, "insula_rt_" + "A" * 43])
    async def test_an_invented_secret_is_no_session(self, browser: Browser, user: UserRow, secret: str) -> None:
        await browser.sign_in(user.email)
        browser.keep(secret)
        answer = await browser.open("/auth/session")

        assert answer.headers["location"] == "/auth/sign-in"
        assert "set-cookie" not in answer.headers

    async def test_a_secret_from_before_the_login_is_worth_nothing_after_it(
        self, browser: Browser, live: Live, settings: Settings, user: UserRow, tenants: tuple[TenantRow, TenantRow]
    ) -> None:
        """Session fixation: each rise of privilege gives the browser another secret."""
        planted = "insula_bs_" + "B" * 43
        browser.client.cookies.set("insula_session", planted, domain="127.0.0.1")
        await browser.sign_in(user.email)
        signed_in = browser.secret
        await browser.choose(tenants[0].slug)
        chosen = browser.secret

        assert len({planted, signed_in, chosen}) == 3
        assert await browser.is_signed_in()
        async with browser_at(live, settings.public_url) as thief:
            for known in (planted, signed_in):
                thief.client.cookies.clear()
                thief.client.cookies.set("insula_session", known)
                assert not await thief.is_signed_in()
            thief.client.cookies.clear()
            thief.client.cookies.set("insula_session", chosen)
            assert await thief.is_signed_in()  # the control

    async def test_a_login_ends_the_session_that_the_browser_had(
        self, browser: Browser, make: Factories, user: UserRow, readback: Readback
    ) -> None:
        token = token_in(await browser.open("/auth/sign-in"))
        form = dict(browser.client.cookies)
        await browser.sign_in(user.email)
        other = await make.user(password=PASSWORD)
        browser.client.cookies.update(form)
        answer = await browser.send("/auth/sign-in", token=token, email=other.email, password=PASSWORD)

        assert answer.status_code == 303
        assert other.email in (await browser.open("/auth/session")).text
        assert await readback(SESSIONS, id=user.id) == [{"live": False}]
        assert await readback(SESSIONS, id=other.id) == [{"live": True}]


class _Kernel:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
