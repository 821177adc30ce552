"""``POST /auth/token`` with a code: good once, for a minute, for its client, redirect URI, verifier and resource."""

import asyncio
import base64
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from insula.core import clock
from insula.core.settings import Settings
from tests.signin.conftest import GRANTS
from tests.support.apps import audience
from tests.support.emails import Readback
from tests.support.factories import Factories, TenantRow, UserRow
from tests.support.oauth_flow import CALLBACK, Flow

SESSIONS = "select * from auth_session where client_id = :id"


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def header_of(token: str) -> dict[str, Any]:
    encoded = token.split(".", maxsplit=1)[0]
    header: dict[str, Any] = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    return header


def error_of(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, answer.json()["error"]


@pytest.fixture
async def ready(flow: Flow, user: UserRow) -> Flow:
    """Return the flow of a user who is signed in and has agreed."""
    page = await flow.sign_in(await flow.authorize(scope="openid rack:read rack:create"), user.email)
    await flow.decide(page)
    return flow


class TestTokens:
    async def test_they_are_for_the_user_the_client_the_app_and_the_tenant(
        self, client: httpx.AsyncClient, ready: Flow, user: UserRow, own_tenant: TenantRow, settings: Settings
    ) -> None:
        answer = await ready.exchange(client, await ready.code(scope="openid rack:read", nonce="n-1"))
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        body = answer.json()
        assert (body["token_type"], body["scope"]) == ("Bearer", "openid rack:read")
        assert body["refresh_token"].startswith("insula_rt_")
        access, identity = claims_of(body["access_token"]), claims_of(body["id_token"])
        assert {name: access[name] for name in ("iss", "aud", "sub", "client_id", "tenant", "scope")} == {
            "iss": settings.public_url,
            "aud": ready.resource,
            "sub": str(user.id),
            "client_id": str(ready.client.id),
            "tenant": str(own_tenant.id),
            "scope": "openid rack:read",
        }
        assert {name: identity[name] for name in ("iss", "aud", "sub", "nonce", "sid")} == {
            "iss": settings.public_url,
            "aud": str(ready.client.id),
            "sub": str(user.id),
            "nonce": "n-1",
            "sid": access["sid"],
        }
        assert identity["iat"] - 60 <= identity["auth_time"] <= identity["iat"] < identity["exp"]
        held = {"Authorization": f"Bearer {body['access_token']}"}
        assert (await client.get("/api/v1/racks", headers=held)).status_code == 200
        narrow = await client.post("/api/v1/racks", json={"name": "Temple"}, headers=held)
        assert (narrow.status_code, narrow.json()["code"]) == (403, "insufficient_scope")

    async def test_an_id_token_opens_no_route(self, client: httpx.AsyncClient, ready: Flow) -> None:
        body = (await ready.exchange(client, await ready.code(scope="openid rack:read"))).json()
        assert [header_of(body[name])["typ"] for name in ("id_token", "access_token")] == ["JWT", "at+jwt"]
        for token, status in ((body["id_token"], 401), (body["access_token"], 200)):
            answer = await client.get("/api/v1/racks", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == status

    async def test_a_client_of_the_platform_may_do_all_that_the_user_may(
        self, client: httpx.AsyncClient, own_flow: Flow, user: UserRow
    ) -> None:
        await own_flow.sign_in(await own_flow.authorize(), user.email)
        for scope in (None, "openid"):
            body = (await own_flow.exchange(client, await own_flow.code(scope=scope))).json()
            assert ("scope" in body, "id_token" in body) == (scope is not None, scope is not None)
            held = {"Authorization": f"Bearer {body['access_token']}"}
            made = await client.post("/api/v1/racks", json={"name": f"Temple {scope}"}, headers=held)
            assert made.status_code == 201
        narrow = (await own_flow.exchange(client, await own_flow.code(scope="rack:read"))).json()
        held = {"Authorization": f"Bearer {narrow['access_token']}"}
        assert (await client.get("/api/v1/racks", headers=held)).status_code == 200
        assert (await client.post("/api/v1/racks", json={"name": "Other"}, headers=held)).status_code == 403

    async def test_a_tenants_client_without_actions_may_do_nothing(
        self, client: httpx.AsyncClient, ready: Flow
    ) -> None:
        for scope, status in (("openid", 403), ("openid rack:read", 200)):
            body = (await ready.exchange(client, await ready.code(scope=scope))).json()
            held = {"Authorization": f"Bearer {body['access_token']}"}
            assert (await client.get("/api/v1/racks", headers=held)).status_code == status

    async def test_a_client_without_the_refresh_grant_gets_no_refresh_token(
        self, client: httpx.AsyncClient, make: Factories, own_tenant: TenantRow, ready: Flow
    ) -> None:
        made = await make.oauth_client(own_tenant, "rack:read", grants=["authorization_code"], redirect_uris=[CALLBACK])
        plain = replace(ready, client=made)
        await plain.decide(await plain.authorize())
        body = (await plain.exchange(client, await plain.code())).json()
        assert ("refresh_token" in body, "access_token" in body) == (False, True)

    async def test_a_staff_client_gets_a_token_without_a_tenant(
        self, client: httpx.AsyncClient, own_flow: Flow, make: Factories, user: UserRow, settings: Settings
    ) -> None:
        await make.staff(user=user)
        staff = replace(own_flow, resource=audience(settings, "admin"))
        await staff.sign_in(await staff.authorize(), user.email)
        body = (await staff.exchange(client, await staff.code())).json()
        assert "tenant" not in claims_of(body["access_token"])
        held = {"Authorization": f"Bearer {body['access_token']}"}
        assert (await client.get("/admin/v1/tenants", headers=held)).status_code == 200


class TestRefusedCodes:
    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ({"code_verifier": "x" * 43}, "invalid_grant"),
            ({"code_verifier": ""}, "invalid_request"),
            ({"code_verifier": "short"}, "invalid_request"),
            ({"redirect_uri": "https://client.example.com/callback/other"}, "invalid_grant"),
            ({"redirect_uri": ""}, "invalid_grant"),
            ({"code": "insula_ac_unknown"}, "invalid_grant"),
            ({"code": ""}, "invalid_request"),
            ({"resource": "https://elsewhere.example.com/api"}, "invalid_target"),
        ],
    )
    async def test_a_wrong_part_is_refused_and_spends_nothing(
        self, client: httpx.AsyncClient, ready: Flow, changes: dict[str, str], error: str
    ) -> None:
        code = await ready.code()
        assert error_of(await ready.exchange(client, code, **changes)) == (400, error)
        assert (await ready.exchange(client, code)).status_code == 200

    async def test_another_client_cannot_use_it(
        self, client: httpx.AsyncClient, make: Factories, own_tenant: TenantRow, ready: Flow
    ) -> None:
        other = await make.oauth_client(own_tenant, "rack:read", kind="public", grants=GRANTS, redirect_uris=[CALLBACK])
        code = await ready.code()
        assert error_of(await replace(ready, client=other).exchange(client, code)) == (400, "invalid_grant")
        assert (await ready.exchange(client, code)).status_code == 200

    async def test_it_is_good_for_a_minute(self, client: httpx.AsyncClient, ready: Flow) -> None:
        late, timely = await ready.code(), await ready.code()
        with clock.moved(timedelta(seconds=58)):
            assert (await ready.exchange(client, timely)).status_code == 200
        with clock.moved(timedelta(seconds=61)):
            assert error_of(await ready.exchange(client, late)) == (400, "invalid_grant")

    async def test_a_confidential_client_sends_its_secret_and_a_public_one_gains_nothing_by_one(
        self, client: httpx.AsyncClient, make: Factories, own_tenant: TenantRow, ready: Flow
    ) -> None:
        made = await make.oauth_client(own_tenant, "rack:read", grants=GRANTS, redirect_uris=[CALLBACK])
        confidential = replace(ready, client=made)
        await confidential.decide(await confidential.authorize())
        code = await confidential.code()
        without = replace(confidential, client=made._replace(secret=None))
        assert error_of(await without.exchange(client, code)) == (401, "invalid_client")
        assert (await confidential.exchange(client, code)).status_code == 200
        code = await ready.code()
        boasting = replace(ready, client=ready.client._replace(secret=made.secret))
        assert error_of(await boasting.exchange(client, code)) == (401, "invalid_client")
        assert (await ready.exchange(client, code)).status_code == 200

    async def test_a_replay_ends_what_the_code_gave(
        self, client: httpx.AsyncClient, ready: Flow, readback: Readback
    ) -> None:
        code = await ready.code()
        body = (await ready.exchange(client, code)).json()
        held = {"Authorization": f"Bearer {body['access_token']}"}
        assert (await client.get("/api/v1/racks", headers=held)).status_code == 200
        assert error_of(await ready.exchange(client, code, code_verifier="y" * 43)) == (400, "invalid_grant")
        rows = await readback(SESSIONS, id=ready.client.id)
        assert [row["revoked_at"] is not None for row in rows] == [True]
        assert error_of(await ready.refresh(client, body["refresh_token"])) == (400, "invalid_grant")
        assert (await ready.exchange(client, await ready.code())).status_code == 200

    async def test_of_many_exchanges_at_once_one_gives_tokens_and_all_end(
        self, client: httpx.AsyncClient, ready: Flow, readback: Readback
    ) -> None:
        code = await ready.code()
        answers = await asyncio.gather(*(ready.exchange(client, code) for _ in range(10)))
        assert sum(answer.status_code == 200 for answer in answers) == 1
        assert {answer.status_code for answer in answers} == {200, 400}
        assert len(await readback(SESSIONS, id=ready.client.id)) == 1


class TestTheEnd:
    async def test_to_sign_out_of_the_browser_ends_the_clients_sessions(
        self, client: httpx.AsyncClient, ready: Flow
    ) -> None:
        body, code = (await ready.exchange(client, await ready.code())).json(), await ready.code()
        assert (await ready.refresh(client, body["refresh_token"])).status_code == 200
        await ready.browser.sign_out()
        assert error_of(await ready.exchange(client, code)) == (400, "invalid_grant")
        body = (await ready.refresh(client, body["refresh_token"])).json()
        assert body["error"] == "invalid_grant"

    async def test_without_the_consent_nothing_is_left(
        self, client: httpx.AsyncClient, ready: Flow, user: UserRow, readback: Readback
    ) -> None:
        body, code = (await ready.exchange(client, await ready.code())).json(), await ready.code()
        assert (await ready.refresh(client, body["refresh_token"])).status_code == 200
        await readback("delete from oauth_consent where user_id = :id", id=user.id)
        assert error_of(await ready.exchange(client, code)) == (400, "invalid_grant")
        assert error_of(await ready.refresh(client, body["refresh_token"])) == (400, "invalid_grant")
        assert await readback(SESSIONS, id=ready.client.id) == []

    async def test_who_has_left_the_tenant_gets_no_token(
        self, client: httpx.AsyncClient, ready: Flow, user: UserRow, readback: Readback
    ) -> None:
        body, code = (await ready.exchange(client, await ready.code())).json(), await ready.code()
        await readback("delete from membership where user_id = :id", id=user.id)
        assert error_of(await ready.exchange(client, code)) == (400, "invalid_grant")
        assert error_of(await ready.refresh(client, body["refresh_token"])) == (400, "invalid_grant")


class TestRefresh:
    async def test_it_returns_the_next_tokens_and_keeps_the_time_of_the_sign_in(
        self, client: httpx.AsyncClient, ready: Flow
    ) -> None:
        first = (await ready.exchange(client, await ready.code(scope="openid rack:read", nonce="n-1"))).json()
        with clock.moved(timedelta(minutes=9)):
            second = (await ready.refresh(client, first["refresh_token"])).json()
        before, after = claims_of(first["id_token"]), claims_of(second["id_token"])
        assert second["refresh_token"] not in ("", first["refresh_token"])
        assert second["scope"] == "openid rack:read"
        assert after["auth_time"] == before["auth_time"]
        assert after["iat"] >= before["iat"] + 540
        assert (after["sub"], after["sid"], "nonce" in after) == (before["sub"], before["sid"], False)

    async def test_it_narrows_one_token_and_never_widens(self, client: httpx.AsyncClient, ready: Flow) -> None:
        token = (await ready.exchange(client, await ready.code(scope="rack:read rack:create"))).json()["refresh_token"]
        assert error_of(await ready.refresh(client, token, scope="rack:read openid")) == (400, "invalid_scope")
        assert error_of(await ready.refresh(client, token, resource="https://elsewhere.example.com")) == (
            400,
            "invalid_target",
        )
        narrow = (await ready.refresh(client, token, scope="rack:read")).json()
        assert narrow["scope"] == "rack:read"
        wide = (await ready.refresh(client, narrow["refresh_token"])).json()
        assert wide["scope"] == "rack:create rack:read"

    async def test_it_belongs_to_its_client(
        self, client: httpx.AsyncClient, make: Factories, own_tenant: TenantRow, ready: Flow
    ) -> None:
        other = await make.oauth_client(own_tenant, "rack:read", kind="public", grants=GRANTS, redirect_uris=[CALLBACK])
        token = (await ready.exchange(client, await ready.code())).json()["refresh_token"]
        assert error_of(await replace(ready, client=other).refresh(client, token)) == (400, "invalid_grant")
        elsewhere = await client.post("/auth/refresh", json={"refresh_token": token, "resource": ready.resource})
        assert elsewhere.status_code == 401
        assert (await ready.refresh(client, token)).status_code == 200

    async def test_many_at_once_get_the_same_child_and_a_late_replay_ends_the_session(
        self, client: httpx.AsyncClient, ready: Flow, readback: Readback
    ) -> None:
        first = (await ready.exchange(client, await ready.code())).json()["refresh_token"]
        answers = await asyncio.gather(*(ready.refresh(client, first) for _ in range(20)))
        children = {answer.json()["refresh_token"] for answer in answers}
        assert (len(children), {answer.status_code for answer in answers}) == (1, {200})
        child = children.pop()
        assert (await ready.refresh(client, child)).status_code == 200
        assert error_of(await ready.refresh(client, first)) == (400, "invalid_grant")
        rows = await readback(SESSIONS, id=ready.client.id)
        assert [row["revoked_at"] is not None for row in rows] == [True]

    async def test_it_ends_when_it_is_idle(self, client: httpx.AsyncClient, ready: Flow, settings: Settings) -> None:
        token = (await ready.exchange(client, await ready.code())).json()["refresh_token"]
        with clock.moved(timedelta(days=settings.auth.refresh_idle_days, seconds=1)):
            assert error_of(await ready.refresh(client, token)) == (400, "invalid_grant")
        assert (await ready.refresh(client, token)).status_code == 200
