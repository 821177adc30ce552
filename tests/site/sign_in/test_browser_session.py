"""The session of a browser: its tenant, and its end."""

from datetime import timedelta

import pytest

from insula.core import clock
from insula.core.settings import Settings
from tests.support.app import PASSWORD, Live
from tests.support.browsers import Browser, browser_at, token_in
from tests.support.emails import Readback
from tests.support.factories import Factories, TenantRow, UserRow

SESSIONS = "select revoked_at is null as live from auth_session where user_id = :id order by created_at, id"


class TestTenants:
    async def test_the_only_tenant_is_chosen_by_itself(self, browser: Browser, make: Factories, user: UserRow) -> None:
        tenant = await make.tenant()
        await make.member(tenant, user=user)
        answer = await browser.sign_in(user.email)
        shown = await browser.open("/auth/session")

        assert answer.headers["location"] == "/auth/session"
        assert f"<bdi>{tenant.name}</bdi>" in shown.text
        assert "/auth/tenant" not in shown.text

    async def test_one_of_several_is_chosen_and_shown(
        self, browser: Browser, user: UserRow, tenants: tuple[TenantRow, TenantRow]
    ) -> None:
        answer = await browser.sign_in(user.email)
        offered = await browser.open("/auth/tenant")
        chosen = await browser.choose(tenants[1].slug)
        shown = await browser.open("/auth/session")

        assert answer.headers["location"] == "/auth/tenant"
        assert [f'value="{tenant.slug}"' in offered.text for tenant in tenants] == [True, True]
        assert (chosen.status_code, chosen.headers["location"]) == (303, "/auth/session")
        assert [f"<bdi>{tenant.name}</bdi>" in shown.text for tenant in tenants] == [False, True]
        assert 'href="/auth/tenant"' in shown.text

    @pytest.mark.parametrize("which", ["foreign", "suspended", "left", "unknown"])
    async def test_a_tenant_without_access_cannot_be_chosen(
        self,
        browser: Browser,
        make: Factories,
        user: UserRow,
        tenants: tuple[TenantRow, TenantRow],
        readback: Readback,
        which: str,
    ) -> None:
        theirs = await make.tenant()
        if which == "suspended":
            await make.member(theirs, user=user)
            await readback("update tenant set status = 'suspended' where id = :id", id=theirs.id)
        if which == "left":
            await make.member(theirs, user=user)
            await readback("delete from membership where tenant_id = :id", id=theirs.id)
        await browser.sign_in(user.email)
        secret = browser.secret
        refused = await browser.choose("no-such" if which == "unknown" else theirs.slug)

        assert (refused.status_code, browser.secret) == (422, secret)
        assert "You are not a member of this organisation" in refused.text
        assert theirs.name not in refused.text
        assert (await browser.choose(tenants[0].slug)).status_code == 303

    async def test_a_late_request_of_another_tab_does_not_take_the_new_secret_away(
        self, browser: Browser, live: Live, settings: Settings, user: UserRow, tenants: tuple[TenantRow, TenantRow]
    ) -> None:
        await browser.sign_in(user.email)
        async with browser_at(live, settings.public_url) as tab:
            tab.client.cookies.set("insula_session", browser.secret)
            token = token_in(await tab.open("/auth/tenant"))
            await browser.choose(tenants[0].slug)
            late = [
                await tab.open("/auth/session"),
                await tab.open("/auth/tenant"),
                await tab.send("/auth/tenant", token=token, tenant=tenants[1].slug),
            ]

        assert [answer.headers["location"] for answer in late] == ["/auth/sign-in"] * 3
        assert ["set-cookie" in answer.headers for answer in late] == [False] * 3
        assert tenants[0].name in (await browser.open("/auth/session")).text

    async def test_a_tenant_that_the_user_has_left_is_shown_no_more(
        self, browser: Browser, user: UserRow, tenants: tuple[TenantRow, TenantRow], readback: Readback
    ) -> None:
        await browser.sign_in(user.email)
        await browser.choose(tenants[0].slug)
        assert tenants[0].name in (await browser.open("/auth/session")).text
        await readback("delete from membership where tenant_id = :id", id=tenants[0].id)

        assert tenants[0].name not in (await browser.open("/auth/session")).text

    async def test_the_host_of_a_tenant_names_it_and_offers_no_other(
        self, live: Live, settings: Settings, user: UserRow, tenants: tuple[TenantRow, TenantRow]
    ) -> None:
        async with browser_at(live, f"http://{tenants[0].slug}.{settings.base_domain}:8000") as browser:
            form = await browser.open("/auth/sign-in")
            answer = await browser.sign_in(user.email)
            shown = await browser.open("/auth/session")
            refused = await browser.choose(tenants[1].slug)

        assert f"Continue to {tenants[0].name}." in form.text
        assert answer.headers["location"] == "/auth/session"
        assert f"<bdi>{tenants[0].name}</bdi>" in shown.text
        assert tenants[1].name not in shown.text
        assert refused.status_code == 422

    async def test_the_host_of_a_tenant_gives_no_access_to_it(
        self, live: Live, settings: Settings, make: Factories, user: UserRow, tenants: tuple[TenantRow, TenantRow]
    ) -> None:
        theirs = await make.tenant()
        async with browser_at(live, f"http://{theirs.slug}.{settings.base_domain}:8000") as browser:
            await browser.sign_in(user.email)
            shown = await browser.open("/auth/session")

        assert f"This account is not a member of {theirs.name}" in shown.text
        assert [tenant.name in shown.text for tenant in tenants] == [False, False]

    async def test_a_host_without_a_tenant_has_no_pages(self, live: Live, settings: Settings) -> None:
        async with browser_at(live, f"http://no-such-tenant.{settings.base_domain}:8000") as browser:
            assert (await browser.open("/auth/sign-in")).status_code == 404


class TestEnding:
    async def test_signing_out_ends_the_session_and_forgets_the_cookie(
        self, browser: Browser, user: UserRow, readback: Readback
    ) -> None:
        await browser.sign_in(user.email)
        secret = browser.secret
        answer = await browser.sign_out()
        assert (answer.status_code, answer.headers["location"], browser.secret) == (303, "/auth/signed-out", "")
        assert await readback(SESSIONS, id=user.id) == [{"live": False}]
        assert "You are signed out" in (await browser.open("/auth/signed-out")).text
        browser.client.cookies.set("insula_session", secret)

        assert not await browser.is_signed_in()

    async def test_signing_out_twice_is_no_error(self, browser: Browser, user: UserRow) -> None:
        await browser.sign_in(user.email)
        token = token_in(await browser.open("/auth/session"))
        first, second = [await browser.send("/auth/sign-out", token=token) for _ in range(2)]

        assert first.headers["location"] == second.headers["location"] == "/auth/signed-out"

    @pytest.mark.parametrize(
        "statement",
        [
            "update auth_session set revoked_at = now() where user_id = :id",
            "delete from auth_session where user_id = :id",
            "update \"user\" set status = 'suspended' where id = :id",
            'update "user" set email_verified_at = null where id = :id',
        ],
        ids=["revoked", "deleted", "suspended", "no longer verified"],
    )
    async def test_a_change_of_access_is_refused_at_the_next_request(
        self, browser: Browser, user: UserRow, tenants: tuple[TenantRow, TenantRow], readback: Readback, statement: str
    ) -> None:
        await browser.sign_in(user.email)
        token = token_in(await browser.open("/auth/tenant"))
        assert await browser.is_signed_in()
        await readback(statement, id=user.id)
        choice = await browser.send("/auth/tenant", token=token, tenant=tenants[0].slug)

        assert choice.headers["location"] == "/auth/sign-in"
        assert not await browser.is_signed_in()

    async def test_a_new_password_ends_it(self, browser: Browser, live: Live, user: UserRow) -> None:
        await browser.sign_in(user.email)
        assert await browser.is_signed_in()
        opened = await live.kernel.authenticator.open(
            await live.kernel.authenticator.prove_password(user.email, PASSWORD)
        )
        headers = {"Authorization": f"Bearer {await _token(live, user, opened.session_id)}"}
        body = {"current_password": PASSWORD, "new_password": "nine purple lanterns"}
        changed = await browser.client.put("/api/v1/me/password", json=body, headers=headers)

        assert changed.status_code == 204
        assert not await browser.is_signed_in()

    async def test_it_is_listed_with_the_others_and_ended_there(
        self, browser: Browser, live: Live, user: UserRow
    ) -> None:
        await browser.sign_in(user.email)
        opened = await live.kernel.authenticator.open(
            await live.kernel.authenticator.prove_password(user.email, PASSWORD)
        )
        headers = {"Authorization": f"Bearer {await _token(live, user, opened.session_id)}"}
        listed = (await browser.client.get("/api/v1/me/sessions", headers=headers)).json()
        [mine] = [row["id"] for row in listed["items"] if not row["current"]]
        assert await browser.is_signed_in()
        ended = await browser.client.delete(f"/api/v1/me/sessions/{mine}", headers=headers)

        assert ended.status_code == 204
        assert not await browser.is_signed_in()

    async def test_the_idle_limit_counts_from_the_last_request(
        self, browser: Browser, settings: Settings, user: UserRow, readback: Readback
    ) -> None:
        idle, second = timedelta(minutes=settings.auth.browser_idle_minutes), timedelta(seconds=1)
        await browser.sign_in(user.email)
        with clock.moved(idle - second):
            assert await browser.is_signed_in()
            with clock.moved(idle - second):
                assert await browser.is_signed_in()
                [row] = await readback(
                    "select refresh_by - last_used_at as idle from auth_session where user_id = :id", id=user.id
                )
                assert row["idle"] == idle  # the user's list of sessions shows it no longer than that
                with clock.moved(idle + second):
                    assert not await browser.is_signed_in()

    async def test_the_absolute_limit_counts_from_the_login(
        self, browser: Browser, settings: Settings, user: UserRow, tenants: tuple[TenantRow, TenantRow]
    ) -> None:
        step, second = timedelta(minutes=settings.auth.browser_idle_minutes - 1), timedelta(seconds=1)
        lifetime, passed = timedelta(hours=settings.auth.browser_session_hours), timedelta()
        await browser.sign_in(user.email)
        await browser.choose(tenants[0].slug)  # a new secret is no new login
        while passed + step < lifetime:
            passed += step
            with clock.moved(passed):
                assert await browser.is_signed_in()
        with clock.moved(lifetime - second * 30):
            assert await browser.is_signed_in()
        with clock.moved(lifetime + second):
            assert not await browser.is_signed_in()

    async def test_login_and_end_are_recorded_with_their_address(
        self, browser: Browser, user: UserRow, readback: Readback
    ) -> None:
        answers = [await browser.sign_in(user.email), await browser.sign_out()]
        recorded = [
            row["action"]
            for answer in answers
            for row in await readback(
                "select action from audit_event where request_id = :id and address <> ''",
                id=answer.headers["x-request-id"],
            )
        ]

        assert recorded == ["session.opened", "session.closed"]


async def _token(live: Live, user: UserRow, session_id: object) -> str:
    apps = live.kernel.apps.values()
    audience = next(app.audience for app in apps if app.app == "tenants")
    return await live.kernel.issuer.issue(user_id=user.id, session_id=session_id, audience=audience)  # type: ignore[arg-type]  # a UUID
