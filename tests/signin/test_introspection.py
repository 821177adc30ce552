"""``POST /auth/introspect``: a confidential client asks whether its own token works now."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from insula.core import clock
from insula.core.ids import new_secret
from insula.core.settings import Settings
from tests.signin.conftest import GRANTS
from tests.signin.test_code_grant import claims_of, error_of
from tests.signin.test_token_endpoint import basic, token_of
from tests.support.app import PASSWORD
from tests.support.apps import audience
from tests.support.emails import Readback
from tests.support.factories import Factories, MadeClient, TenantRow, UserRow
from tests.support.oauth_flow import CALLBACK, Flow
from tests.support.waiting import within

INTROSPECT = "/auth/introspect"
NOT_ACTIVE = {"active": False}
_CLAIMS = ("iss", "aud", "sub", "client_id", "exp", "iat", "jti", "tenant", "scope", "sid")


async def ask(http: httpx.AsyncClient, client: MadeClient, token: str, **more: str) -> httpx.Response:
    """Ask about a token, authenticated as the client."""
    sent = {"token": token, **more}
    if client.secret is None:
        return await http.post(INTROSPECT, data={"client_id": str(client.id), **sent})
    return await http.post(INTROSPECT, data=sent, headers=basic(client))


async def described(http: httpx.AsyncClient, client: MadeClient, token: str, **more: str) -> dict[str, object]:
    answer = await ask(http, client, token, **more)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store"), answer.text
    found: dict[str, object] = answer.json()
    return found


async def is_alive(http: httpx.AsyncClient, client: MadeClient, token: str) -> bool:
    found = await described(http, client, token)
    assert found["active"] is True or found == NOT_ACTIVE
    return found != NOT_ACTIVE


@pytest.fixture
async def ready(flow: Flow, make: Factories, own_tenant: TenantRow, user: UserRow) -> Flow:
    """Return the flow of a confidential client, whose user is signed in and has agreed."""
    made = await make.oauth_client(
        own_tenant, "rack:read", "rack:create", grants=GRANTS, redirect_uris=[CALLBACK], kind="confidential"
    )
    found = replace(flow, client=made)
    await found.decide(await found.sign_in(await found.authorize(scope="openid rack:read"), user.email))
    return found


async def tokens_of(http: httpx.AsyncClient, flow: Flow, scope: str | None = "openid rack:read") -> dict[str, str]:
    body: dict[str, str] = (await flow.exchange(http, await flow.code(scope=scope))).json()
    return body


class TestLiveTokens:
    async def test_an_access_token_of_a_user(self, client: httpx.AsyncClient, ready: Flow, user: UserRow) -> None:
        body = await tokens_of(client, ready)
        claims = claims_of(body["access_token"])
        found = await described(client, ready.client, body["access_token"])
        assert found == {"active": True, "token_type": "Bearer", **{name: claims[name] for name in _CLAIMS}}
        assert (found["sub"], found["scope"]) == (str(user.id), "openid rack:read")

    async def test_a_refresh_token(
        self, client: httpx.AsyncClient, ready: Flow, user: UserRow, own_tenant: TenantRow, settings: Settings
    ) -> None:
        """It is for the server alone, so that no app takes it for an access token."""
        body = await tokens_of(client, ready)
        access = claims_of(body["access_token"])
        found = await described(client, ready.client, body["refresh_token"])
        issued, expires = found.pop("iat"), found.pop("exp")
        assert found == {
            "active": True,
            "iss": settings.public_url,
            "aud": settings.public_url,
            "sub": str(user.id),
            "client_id": str(ready.client.id),
            "scope": "openid rack:read",
            "tenant": str(own_tenant.id),
            "sid": access["sid"],
            "token_type": "refresh_token",
        }
        assert isinstance(issued, int)
        assert abs(issued - access["iat"]) <= 1
        assert expires == issued + settings.auth.refresh_idle_days * 86_400

    async def test_a_machines_access_token(
        self, client: httpx.AsyncClient, make: Factories, own_tenant: TenantRow, flow: Flow, readback: Readback
    ) -> None:
        machine = await make.oauth_client(own_tenant, "rack:create", "rack:read")
        token = (await token_of(client, machine, flow.resource))["Authorization"].removeprefix("Bearer ")
        claims = claims_of(token)
        found = await described(client, machine, token)
        wanted = {name: claims[name] for name in _CLAIMS if name != "sid"}
        assert found == {"active": True, "token_type": "Bearer", **wanted}
        await readback("update oauth_client set scopes = '{rack:read}' where id = :id", id=machine.id)

        async def narrowed() -> bool:
            return (await described(client, machine, token)).get("scope") == "rack:read"

        await within(1, narrowed)

    async def test_a_token_of_a_client_of_the_platform_may_have_no_scope(
        self, client: httpx.AsyncClient, own_flow: Flow, make: Factories, user: UserRow
    ) -> None:
        ours = replace(own_flow, client=await make.first_party_client(CALLBACK, kind="confidential"))
        await ours.sign_in(await ours.authorize(), user.email)
        for scope in (None, "openid"):
            body = await tokens_of(client, ours, scope)
            for kind in ("access_token", "refresh_token"):
                found = await described(client, ours.client, body[kind])
                assert (found["active"], found.get("scope")) == (True, scope)

    async def test_a_token_of_staff(
        self,
        client: httpx.AsyncClient,
        own_flow: Flow,
        make: Factories,
        user: UserRow,
        settings: Settings,
        readback: Readback,
    ) -> None:
        await make.staff(user=user)
        ours = await make.first_party_client(CALLBACK, kind="confidential")
        staff = replace(own_flow, client=ours, resource=audience(settings, "admin"))
        await staff.sign_in(await staff.authorize(), user.email)
        body = await tokens_of(client, staff, None)
        found = await described(client, ours, body["access_token"])
        assert (found["active"], found["aud"], "tenant" in found) == (True, staff.resource, False)
        await readback("delete from staff where user_id = :id", id=user.id)
        assert not await is_alive(client, ours, body["access_token"])

    @pytest.mark.parametrize("hint", ["access_token", "refresh_token", "id_token"])
    async def test_a_hint_changes_nothing(self, client: httpx.AsyncClient, ready: Flow, hint: str) -> None:
        body = await tokens_of(client, ready)
        for kind in ("access_token", "refresh_token"):
            assert (await described(client, ready.client, body[kind], token_type_hint=hint))["active"] is True


class TestDeadTokens:
    @pytest.mark.parametrize(
        "change",
        [
            "update auth_session set revoked_at = now() where client_id = :client_id",
            "update \"user\" set status = 'suspended' where id = :user_id",
            "delete from membership where user_id = :user_id",
            "delete from oauth_consent where user_id = :user_id",
        ],
    )
    async def test_loss_of_access_bites_within_a_second(
        self,
        client: httpx.AsyncClient,
        other_process: httpx.AsyncClient,
        ready: Flow,
        user: UserRow,
        readback: Readback,
        change: str,
    ) -> None:
        body = await tokens_of(client, ready)
        for process in (client, other_process):
            for kind in ("access_token", "refresh_token"):
                assert await is_alive(process, ready.client, body[kind])
        values = {"client_id": ready.client.id, "user_id": user.id}
        await readback(change, **{name: value for name, value in values.items() if f":{name}" in change})
        for process in (client, other_process):
            for kind in ("access_token", "refresh_token"):
                await within(1, _dead(process, ready.client, body[kind]))

    @pytest.mark.parametrize(
        "change",
        [
            "update oauth_client set revoked_at = now() where id = :id",
            "update tenant set status = 'suspended' where id = (select tenant_id from oauth_client where id = :id)",
        ],
    )
    async def test_a_client_that_is_not_live_gets_no_answer(
        self, client: httpx.AsyncClient, ready: Flow, readback: Readback, change: str
    ) -> None:
        body = await tokens_of(client, ready)
        assert await is_alive(client, ready.client, body["access_token"])
        await readback(change, id=ready.client.id)

        async def refused() -> bool:
            return (await ask(client, ready.client, body["access_token"])).status_code == 401

        await within(1, refused)

    async def test_they_expire(self, client: httpx.AsyncClient, ready: Flow, settings: Settings) -> None:
        body = await tokens_of(client, ready)
        lifetimes = {
            "access_token": timedelta(seconds=settings.auth.access_token_seconds),
            "refresh_token": timedelta(days=settings.auth.refresh_idle_days),
        }
        for kind, lifetime in lifetimes.items():
            with clock.moved(lifetime - timedelta(seconds=20)):
                assert await is_alive(client, ready.client, body[kind])
            with clock.moved(lifetime + timedelta(seconds=1)):  # without the leeway that apps allow
                assert not await is_alive(client, ready.client, body[kind])

    async def test_an_exchanged_refresh_token_is_not_active_and_its_session_goes_on(
        self, client: httpx.AsyncClient, ready: Flow
    ) -> None:
        first = await tokens_of(client, ready)
        second = (await ready.refresh(client, first["refresh_token"])).json()
        third = (await ready.refresh(client, second["refresh_token"])).json()
        for dead in (first, second):
            assert not await is_alive(client, ready.client, dead["refresh_token"])
            assert await is_alive(client, ready.client, dead["access_token"])
        assert await is_alive(client, ready.client, third["refresh_token"])
        assert (await ready.refresh(client, third["refresh_token"])).status_code == 200

    async def test_a_refresh_token_of_a_client_without_that_grant(
        self, client: httpx.AsyncClient, ready: Flow, readback: Readback
    ) -> None:
        body = await tokens_of(client, ready)
        assert await is_alive(client, ready.client, body["refresh_token"])
        await readback("update oauth_client set grants = '{authorization_code}' where id = :id", id=ready.client.id)
        await within(1, _dead(client, ready.client, body["refresh_token"]))
        assert await is_alive(client, ready.client, body["access_token"])


class TestOtherTokens:
    async def test_other_clients_tokens_are_like_those_that_are_nowhere(
        self,
        client: httpx.AsyncClient,
        ready: Flow,
        make: Factories,
        own_tenant: TenantRow,
        user: UserRow,
    ) -> None:
        """Of the same tenant and user too. An ID token tells its client all by itself, and opens nothing."""
        body = await tokens_of(client, ready)
        other = await make.oauth_client(own_tenant, "rack:read", grants=["client_credentials"])
        machine = (await token_of(client, other, ready.resource))["Authorization"].removeprefix("Bearer ")
        login = {"email": user.email, "password": PASSWORD, "resource": ready.resource, "tenant": own_tenant.slug}
        ours = (await client.post("/auth/login", json=login)).json()
        for token in (body["access_token"], body["refresh_token"]):
            assert not await is_alive(client, other, token)
            assert await is_alive(client, ready.client, token)
        foreign = (machine, ours["access_token"], ours["refresh_token"])
        nowhere = (new_secret("insula_rt"), "word", "a.b.c", body["access_token"][:-8] + "AAAAAAAA", body["id_token"])
        for token in (*foreign, *nowhere):
            assert await described(client, ready.client, token) == NOT_ACTIVE
        assert await is_alive(client, other, machine)

    async def test_only_confidential_clients_may_ask(self, client: httpx.AsyncClient, ready: Flow, flow: Flow) -> None:
        await flow.decide(await flow.authorize())
        public = await tokens_of(client, flow, None)
        assert error_of(await ask(client, flow.client, public["access_token"])) == (401, "invalid_client")
        body = await tokens_of(client, ready)
        made = ready.client
        for wrong in (
            made._replace(secret=None),
            made._replace(secret="word"),
            flow.client._replace(secret=made.secret),
        ):
            assert error_of(await ask(client, wrong, body["access_token"])) == (401, "invalid_client")
        bearer = {"Authorization": f"Bearer {body['access_token']}"}
        sent = {"token": body["access_token"]}
        assert error_of(await client.post(INTROSPECT, data=sent, headers=bearer)) == (401, "invalid_client")
        in_body = {"client_id": str(made.id), "client_secret": str(made.secret), **sent}
        assert (await client.post(INTROSPECT, data=in_body)).json()["active"] is True

    async def test_malformed_requests_get_errors_of_oauth(self, client: httpx.AsyncClient, ready: Flow) -> None:
        token = (await tokens_of(client, ready))["access_token"]
        form = {**basic(ready.client), "Content-Type": "application/x-www-form-urlencoded"}
        for sent in ("", "token=", f"token={token}&token={token}", f"token={token}%00", "token=%22"):
            assert error_of(await client.post(INTROSPECT, content=sent, headers=form)) == (400, "invalid_request")
        in_url = await client.post(INTROSPECT, params={"token": token}, headers=form)
        assert error_of(in_url) == (400, "invalid_request")
        assert (await client.get(INTROSPECT, headers=basic(ready.client))).status_code == 405
        assert await is_alive(client, ready.client, token)

    async def test_attempts_are_limited(self, client: httpx.AsyncClient, ready: Flow) -> None:
        guesser = MadeClient(ready.client.id, "word")
        found = [await ask(client, guesser, "word") for _ in range(61)]
        assert (found[0].status_code, found[-1].status_code) == (401, 429)
        assert int(found[-1].headers["retry-after"]) > 0


def _dead(http: httpx.AsyncClient, client: MadeClient, token: str) -> Callable[[], Awaitable[bool]]:
    async def dead() -> bool:
        return not await is_alive(http, client, token)

    return dead
