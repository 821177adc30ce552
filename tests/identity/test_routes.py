"""/auth over HTTP: the tokens of a login, their app and tenant, and every error."""

from collections.abc import Awaitable, Callable

import pytest
from joserfc.jwk import RSAKey

from insula.core.settings import Settings
from tests.support.app import PASSWORD, AppName, Live
from tests.support.apps import APPS_FOR_MEMBERS
from tests.support.factories import Factories, TenantRow, UserRow
from tests.support.visitors import Visitor, problem, shape
from tests.support.waiting import answers

Readback = Callable[..., Awaitable[list[dict[str, object]]]]


class TestLogin:
    async def test_login_issues_tokens_for_a_tenant(
        self, visitor: Visitor, user: UserRow, tenant: TenantRow, settings: Settings
    ) -> None:
        answer = await visitor.login(user.email, tenant=tenant.slug)

        body = answer.json()
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        assert {**body, "access_token": "", "refresh_token": ""} == {
            "access_token": "",
            "token_type": "Bearer",
            "expires_in": settings.auth.access_token_seconds,
            "refresh_token": "",
            "resource": f"{settings.public_url}/api",
            "tenant": tenant.slug,
        }
        assert (await visitor.get("/api/v1/tenant", body["access_token"])).json()["id"] == str(tenant.id)

    async def test_a_token_without_a_tenant_allows_only_personal_routes(self, visitor: Visitor, user: UserRow) -> None:
        token = (await visitor.login(user.email)).json()["access_token"]

        assert (await visitor.get("/api/v1/me", token)).status_code == 200
        assert problem(await visitor.get("/api/v1/tenant", token)) == (403, "tenant_required")

    async def test_every_refused_login_gets_the_same_answer(
        self, visitor: Visitor, user: UserRow, make: Factories
    ) -> None:
        assert (await visitor.login(user.email)).status_code == 200
        suspended = await make.user(password=PASSWORD, status="suspended")
        answers = [
            await visitor.login(user.email, password="wrong"),
            await visitor.login("nobody@example.com"),
            await visitor.login("not an address"),
            await visitor.login(suspended.email),
        ]

        assert [shape(answer) for answer in answers] == [shape(answers[0])] * 4
        assert problem(answers[0]) == (401, "login_refused")
        assert {answer.headers["www-authenticate"] for answer in answers} == {"Bearer"}

    @pytest.mark.parametrize(
        "change",
        [
            {"password": ""},
            {"email": ""},
            {"email": None},
            {"password": "x" * 1025},
            {"role": "owner"},
            {"scope": "admin"},
            {"tenant": "x" * 64},
            {"resource": 1},
        ],
    )
    async def test_a_body_of_the_wrong_form_is_refused(
        self, visitor: Visitor, user: UserRow, settings: Settings, change: dict[str, object]
    ) -> None:
        body = {"email": user.email, "password": PASSWORD, "resource": f"{settings.public_url}/api"}
        assert (await visitor.client.post("/auth/login", json=body)).status_code == 200

        answer = await visitor.client.post("/auth/login", json={**body, **change})

        assert problem(answer) == (422, "invalid_request")
        assert PASSWORD not in answer.text

    @pytest.mark.parametrize(
        "body", [b'{"email": "a\\u0000b"}', b'{"email": "\\ud800"}', b"{", b"\xff", b'{"a":1,"a":2}']
    )
    async def test_a_body_that_is_not_strictly_json_is_refused(self, visitor: Visitor, body: bytes) -> None:
        answer = await visitor.client.post("/auth/login", content=body, headers={"content-type": "application/json"})

        assert answer.status_code in (400, 422)

    @pytest.mark.parametrize(
        "resource", ["", "tenants", "/api", "{url}", "{url}/api/", "{url}/api/v1", "{url}/API", "*"]
    )
    async def test_a_resource_must_match_exactly(
        self, visitor: Visitor, user: UserRow, settings: Settings, resource: str
    ) -> None:
        body = {"email": user.email, "password": PASSWORD, "resource": resource.format(url=settings.public_url)}

        assert problem(await visitor.client.post("/auth/login", json=body)) == (400, "invalid_target")


class TestRefresh:
    async def test_one_session_serves_every_app_and_tenant(
        self, visitor: Visitor, user: UserRow, tenant: TenantRow
    ) -> None:
        token = (await visitor.login(user.email)).json()["refresh_token"]
        wishes: list[tuple[AppName, str | None]] = [
            *((app, tenant.slug) for app in APPS_FOR_MEMBERS),
            ("tenants", None),
        ]
        for app, slug in wishes:
            answer = await visitor.refresh(token, app, slug)
            assert (answer.status_code, answer.json()["tenant"]) == (200, slug)
            assert answer.headers["cache-control"] == "no-store"
            token = answer.json()["refresh_token"]

    async def test_a_refused_refresh_does_not_use_the_token_up(
        self, visitor: Visitor, user: UserRow, tenant: TenantRow
    ) -> None:
        token = (await visitor.login(user.email)).json()["refresh_token"]

        assert problem(await visitor.refresh(token, tenant="nobody")) == (403, "tenant_refused")
        assert problem(await visitor.refresh(token, "admin")) == (403, "staff_only")
        assert (await visitor.refresh(token, tenant=tenant.slug)).status_code == 200

    async def test_a_former_member_gets_no_more_tokens(
        self, visitor: Visitor, user: UserRow, tenant: TenantRow, readback: Readback
    ) -> None:
        token = (await visitor.login(user.email, tenant=tenant.slug)).json()["refresh_token"]
        await readback("delete from membership where user_id = :id", id=user.id)

        assert problem(await visitor.refresh(token, tenant=tenant.slug)) == (403, "tenant_refused")


class TestLogout:
    async def test_logout_ends_refresh_and_access_tokens(self, visitor: Visitor, user: UserRow) -> None:
        opened = (await visitor.login(user.email)).json()
        assert (await visitor.get("/api/v1/me", opened["access_token"])).status_code == 200

        answer = await visitor.logout(opened["refresh_token"])

        assert (answer.status_code, answer.content) == (204, b"")
        assert problem(await visitor.refresh(opened["refresh_token"])) == (401, "refresh_token_refused")
        await answers(401, lambda: visitor.get("/api/v1/me", opened["access_token"]))

    async def test_logout_with_an_unknown_token_gets_the_same_answer(self, visitor: Visitor) -> None:
        assert (await visitor.logout("insula_rt_unknown")).status_code == 204


class TestKeys:
    async def test_the_published_keys_verify_tokens_and_have_no_private_part(
        self, visitor: Visitor, user: UserRow, live: Live
    ) -> None:
        await visitor.login(user.email)
        answer = await visitor.client.get("/.well-known/jwks.json")

        keys = {jwk["kid"]: RSAKey.import_key(jwk) for jwk in answer.json()["keys"]}
        assert (await live.kernel.keys.signer()).kid in keys
        assert not any(key.is_private for key in keys.values())
        assert answer.headers["cache-control"] == "public, max-age=300"
