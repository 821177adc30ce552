"""``/auth/authorize``: a user is led through sign-in, choice of tenant and consent, then back to the client."""

from datetime import timedelta

import httpx
import pytest

from insula.core import clock
from insula.core.settings import Settings
from tests.support.app import PASSWORD, Live
from tests.support.apps import audience
from tests.support.browsers import Browser, browser_at, token_in
from tests.support.emails import Readback
from tests.support.factories import Factories, TenantRow, UserRow
from tests.support.oauth_flow import CALLBACK, Flow, action_in, parameters_of


async def agreed(flow: Flow, user: UserRow, **changes: str) -> httpx.Response:
    """Sign in and agree; return the answer to the client."""
    page = await flow.sign_in(await flow.authorize(**changes), user.email)
    return await flow.decide(page)


class TestTheWayBack:
    async def test_a_user_signs_in_and_agrees_and_the_client_gets_a_code(
        self, flow: Flow, user: UserRow, own_tenant: TenantRow, settings: Settings
    ) -> None:
        asked = await flow.authorize()
        assert asked.status_code == 303
        assert asked.headers["location"].startswith("/auth/sign-in?")
        page = await flow.sign_in(asked, user.email)
        assert page.status_code == 200
        assert "Made asks for access" in page.text
        assert f"in {own_tenant.name}" in page.text
        answer = parameters_of(await flow.decide(page))
        assert answer.keys() == {"code", "state", "iss"}
        assert (answer["state"], answer["iss"]) == ("as-it-was sent/%", settings.public_url)

    async def test_who_has_agreed_is_asked_again_only_for_more(
        self, flow: Flow, user: UserRow, own_tenant: TenantRow, readback: Readback
    ) -> None:
        assert "code" in parameters_of(await agreed(flow, user, scope="rack:read"))
        [event] = await readback(
            "select * from audit_event where action = 'oauth_consent.given' and actor_id = :id", id=user.id
        )
        assert event["tenant_id"] == own_tenant.id
        assert "code" in parameters_of(await flow.authorize(scope="rack:read"))
        more = await flow.authorize(scope="rack:read rack:create")
        assert more.status_code == 200
        assert "code" in parameters_of(await flow.decide(more))
        assert "code" in parameters_of(await flow.authorize(scope="rack:create"))

    async def test_who_does_not_agree_gives_nothing(self, flow: Flow, user: UserRow, readback: Readback) -> None:
        page = await flow.sign_in(await flow.authorize(), user.email)
        answer = parameters_of(await flow.decide(page, "deny"))
        assert (answer["error"], answer["state"]) == ("access_denied", "as-it-was sent/%")
        assert await readback("select * from oauth_consent where user_id = :id", id=user.id) == []
        assert "code" in parameters_of(await flow.decide(await flow.authorize()))

    async def test_a_client_of_the_platform_itself_needs_no_consent(self, own_flow: Flow, user: UserRow) -> None:
        answer = await own_flow.sign_in(await own_flow.authorize(), user.email)
        assert "code" in parameters_of(answer)

    async def test_no_step_is_redirected_with_its_body(self, flow: Flow, user: UserRow) -> None:
        asked = await flow.authorize()
        page = await flow.browser.open(asked.headers["location"])
        signed_in = await flow.browser.send(action_in(page), token=token_in(page), email=user.email, password=PASSWORD)
        consent = await flow.browser.open(signed_in.headers["location"])
        decided = await flow.decide(consent)
        assert [answer.status_code for answer in (asked, signed_in, decided)] == [303, 303, 303]
        assert "code" in parameters_of(decided)

    async def test_the_answer_may_be_a_form(self, flow: Flow, user: UserRow) -> None:
        page = await agreed(flow, user, response_mode="form_post")
        assert (page.status_code, action_in(page)) == (200, CALLBACK)
        assert 'name="code" value="insula_ac_' in page.text
        assert "form-action 'self' https://client.example.com;" in page.headers["content-security-policy"]

    async def test_the_request_may_be_a_form(self, flow: Flow, browser: Browser) -> None:
        answer = await browser.client.post(
            "/auth/authorize",
            content=flow.query(),
            headers={"content-type": "application/x-www-form-urlencoded", "origin": "https://client.example.com"},
        )
        assert (answer.status_code, answer.headers["location"]) == (303, f"/auth/authorize?{flow.query()}")
        long = await browser.client.post("/auth/authorize", data={"state": "s" * 8_192})
        assert (long.status_code, "location" in long.headers) == (400, False)

    async def test_of_several_tenants_one_is_chosen(
        self, own_flow: Flow, make: Factories, user: UserRow, own_tenant: TenantRow
    ) -> None:
        other = await make.tenant()
        await make.member(other, user=user)
        answer = await own_flow.sign_in(await own_flow.authorize(prompt="login"), user.email)
        assert answer.headers["location"].startswith("/auth/tenant?")
        page = await own_flow.browser.open(answer.headers["location"])
        assert "Continue without one" not in page.text
        chosen = await own_flow.browser.send(action_in(page), token=token_in(page), tenant=own_tenant.slug)
        assert "code" in parameters_of(await own_flow.browser.open(chosen.headers["location"]))


class TestNoWayBack:
    """A request whose client or redirect URI is wrong is answered by a page."""

    @pytest.mark.parametrize(
        "changes",
        [
            {"client_id": "019ab2c4-9d00-7a00-8a00-718293a4b5c6"},
            {"client_id": "no-uuid"},
            {"client_id": None},
            {"redirect_uri": None},
            {"redirect_uri": "https://client.example.com/callback/"},
            {"redirect_uri": "https://client.example.com/callback?a=b"},
            {"redirect_uri": "https://client.example.com.evil.example/callback"},
            {"redirect_uri": 'https://client.example.com/callback"'},
            {"redirect_uri": "https://client.example.com/callbäck"},
        ],
    )
    async def test_it_leads_nowhere(self, flow: Flow, changes: dict[str, str | None]) -> None:
        answer = await flow.authorize(**changes)
        assert (answer.status_code, "location" in answer.headers) == (400, False)
        assert "is not known, or it sent a wrong address" in answer.text
        assert (await flow.authorize()).status_code == 303

    @pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
    async def test_a_repeated_one_leads_nowhere(self, flow: Flow, browser: Browser, name: str) -> None:
        value = str(flow.client.id) if name == "client_id" else CALLBACK
        answer = await browser.open(f"/auth/authorize?{flow.query()}&{name}={value}")
        assert (answer.status_code, "location" in answer.headers) == (400, False)

    async def test_a_nul_is_refused_before(self, flow: Flow) -> None:
        answer = await flow.authorize(redirect_uri=f"{CALLBACK}\0")
        assert (answer.status_code, "location" in answer.headers) == (400, False)

    async def test_a_revoked_client_leads_nowhere(self, flow: Flow, readback: Readback) -> None:
        assert (await flow.authorize()).status_code == 303
        await readback("update oauth_client set revoked_at = now() where id = :id", id=flow.client.id)
        assert (await flow.authorize()).status_code == 400


class TestErrorsForTheClient:
    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ({"response_type": "token"}, "unsupported_response_type"),
            ({"response_type": "code token"}, "unsupported_response_type"),
            ({"response_type": None}, "unsupported_response_type"),
            ({"response_type": 'code"'}, "invalid_request"),
            ({"response_mode": "fragment"}, "invalid_request"),
            ({"code_challenge": None}, "invalid_request"),
            ({"code_challenge": "too-short"}, "invalid_request"),
            ({"code_challenge_method": "plain"}, "invalid_request"),
            ({"code_challenge_method": None}, "invalid_request"),
            ({"scope": "rack:delete"}, "invalid_scope"),
            ({"scope": "rack:read no:such"}, "invalid_scope"),
            ({"resource": None}, "invalid_target"),
            ({"resource": "https://elsewhere.example.com/api"}, "invalid_target"),
            ({"prompt": "none login"}, "invalid_request"),
            ({"prompt": "unknown"}, "invalid_request"),
            ({"max_age": "-1"}, "invalid_request"),
            ({"request": "e30.e30."}, "invalid_request"),
        ],
    )
    async def test_it_has_the_state_and_the_issuer(
        self, flow: Flow, settings: Settings, changes: dict[str, str | None], error: str
    ) -> None:
        answer = parameters_of(await flow.authorize(**changes))
        assert (answer["error"], answer["state"], answer["iss"]) == (error, "as-it-was sent/%", settings.public_url)
        assert "sign-in" in (await flow.authorize()).headers["location"]

    @pytest.mark.parametrize(("name", "error"), [("resource", "invalid_target"), ("scope", "invalid_request")])
    async def test_a_repeated_parameter(self, flow: Flow, browser: Browser, name: str, error: str) -> None:
        repeated = f"/auth/authorize?{flow.query(scope='rack:read')}&{name}=rack:read"
        assert parameters_of(await browser.open(repeated))["error"] == error

    async def test_who_is_no_member_is_refused(self, flow: Flow, make: Factories) -> None:
        stranger = await make.user(password=PASSWORD)
        answer = await flow.sign_in(await flow.authorize(), stranger.email)
        assert parameters_of(answer)["error"] == "access_denied"

    async def test_a_tenants_client_opens_no_app_of_staff(self, flow: Flow, user: UserRow, settings: Settings) -> None:
        answer = await flow.sign_in(await flow.authorize(resource=audience(settings, "admin")), user.email)
        assert parameters_of(answer)["error"] == "access_denied"


class TestPrompts:
    async def test_none_asks_nothing(self, flow: Flow, user: UserRow) -> None:
        assert parameters_of(await flow.authorize(prompt="none"))["error"] == "login_required"
        page = await flow.sign_in(await flow.authorize(), user.email)
        assert parameters_of(await flow.authorize(prompt="none"))["error"] == "consent_required"
        await flow.decide(page)
        assert "code" in parameters_of(await flow.authorize(prompt="none"))

    async def test_none_with_several_tenants(self, own_flow: Flow, make: Factories, user: UserRow) -> None:
        await make.member(await make.tenant(), user=user)
        await own_flow.sign_in(await own_flow.authorize(), user.email)
        answer = parameters_of(await own_flow.authorize(prompt="none"))
        assert answer["error"] == "account_selection_required"

    async def test_login_asks_for_a_new_sign_in_once(self, flow: Flow, user: UserRow) -> None:
        await agreed(flow, user)
        before = flow.browser.secret
        asked = await flow.authorize(prompt="login")
        assert asked.headers["location"].startswith("/auth/sign-in?")
        again = await flow.browser.open(asked.headers["location"].replace("sign-in", "authorize"))
        assert again.headers["location"].startswith("/auth/sign-in?")
        answer = await flow.sign_in(asked, user.email)
        assert "code" in parameters_of(answer)
        assert flow.browser.secret not in ("", before)

    async def test_the_proof_of_a_sign_in_is_for_one_request_and_a_few_minutes(self, flow: Flow, user: UserRow) -> None:
        await agreed(flow, user)
        page = await flow.browser.open((await flow.authorize(prompt="login")).headers["location"])
        sent = await flow.browser.send(action_in(page), token=token_in(page), email=user.email, password=PASSWORD)
        proven = sent.headers["location"]
        assert "code" in parameters_of(await flow.browser.open(proven))
        other = proven.replace("prompt=login", "prompt=login&nonce=other")
        assert (await flow.browser.open(other)).headers["location"].startswith("/auth/sign-in?")
        with clock.moved(timedelta(minutes=6)):
            assert (await flow.browser.open(proven)).headers["location"].startswith("/auth/sign-in?")

    async def test_max_age_asks_for_a_sign_in_that_is_new_enough(self, flow: Flow, user: UserRow) -> None:
        await agreed(flow, user)
        assert "code" in parameters_of(await flow.authorize(max_age="600"))
        with clock.moved(timedelta(minutes=11)):
            asked = await flow.authorize(max_age="600")
            assert asked.headers["location"].startswith("/auth/sign-in?")
            assert parameters_of(await flow.authorize(max_age="600", prompt="none"))["error"] == "login_required"
            assert "code" in parameters_of(await flow.sign_in(asked, user.email))

    async def test_max_age_of_zero_asks_always(self, flow: Flow, user: UserRow) -> None:
        await agreed(flow, user)
        asked = await flow.authorize(max_age="0")
        assert "code" in parameters_of(await flow.sign_in(asked, user.email))

    async def test_consent_asks_again(self, flow: Flow, user: UserRow) -> None:
        await agreed(flow, user)
        page = await flow.authorize(prompt="consent")
        assert page.status_code == 200
        assert "code" in parameters_of(await flow.decide(page))

    async def test_a_hint_fills_in_the_address(self, flow: Flow) -> None:
        asked = await flow.authorize(login_hint="ada@example.com")
        assert 'value="ada@example.com"' in (await flow.browser.open(asked.headers["location"])).text


class TestForms:
    async def test_the_pages_lead_to_the_validated_origin_alone(self, flow: Flow, user: UserRow) -> None:
        asked = await flow.authorize()
        form = await flow.browser.open(asked.headers["location"])
        consent = await flow.sign_in(asked, user.email)
        for page in (form, consent):
            policy = page.headers["content-security-policy"]
            assert "form-action 'self' https://client.example.com;" in policy
            assert "frame-ancestors 'none'" in policy
            assert page.headers["referrer-policy"] == "no-referrer"
            assert "access-control-allow-origin" not in page.headers
        plain = (await flow.browser.open("/auth/signed-out")).headers.get("content-security-policy", "")
        assert "client.example.com" not in plain

    async def test_another_browsers_question_cannot_be_answered_in_mine(
        self,
        flow: Flow,
        live: Live,
        make: Factories,
        user: UserRow,
        own_tenant: TenantRow,
        settings: Settings,
        readback: Readback,
    ) -> None:
        other = await make.user(password=PASSWORD)
        await make.member(own_tenant, user=other)
        mine = await flow.sign_in(await flow.authorize(), user.email)
        async with browser_at(live, settings.public_url) as elsewhere:
            theirs = Flow(elsewhere, flow.client, flow.resource)
            page = await theirs.sign_in(await theirs.authorize(), other.email)
            refused = await flow.browser.send(action_in(page), token=token_in(page), answer="allow")
            assert refused.headers["location"].startswith("/auth/authorize?")
            assert await readback("select * from oauth_consent where user_id = :id", id=user.id) == []
        assert "code" in parameters_of(await flow.decide(mine))

    async def test_a_token_is_for_one_request(self, flow: Flow, user: UserRow, readback: Readback) -> None:
        page = await flow.sign_in(await flow.authorize(scope="rack:read"), user.email)
        wider = action_in(page).replace("rack%3Aread", "rack%3Aread+rack%3Acreate")
        assert wider != action_in(page)
        refused = await flow.browser.send(wider, token=token_in(page), answer="allow")
        assert refused.headers["location"].startswith("/auth/authorize?")
        assert await readback("select * from oauth_consent where user_id = :id", id=user.id) == []
        assert "code" in parameters_of(await flow.decide(page))

    async def test_another_sites_form_is_refused(self, flow: Flow, user: UserRow, readback: Readback) -> None:
        page = await flow.sign_in(await flow.authorize(), user.email)
        foreign = flow.browser.sending({"sec-fetch-site": "cross-site", "origin": "https://evil.example.com"})
        refused = await foreign.send(action_in(page), token=token_in(page), answer="allow")
        assert refused.status_code == 403
        assert await readback("select * from oauth_consent where user_id = :id", id=user.id) == []
        assert "code" in parameters_of(await flow.decide(page))
