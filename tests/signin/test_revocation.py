"""``POST /auth/revoke``: a client ends the session of its own token, and nothing else."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import httpx
import pytest

from insula.core import clock
from insula.core.ids import new_secret
from insula.core.settings import Settings
from tests.signin.conftest import GRANTS
from tests.signin.test_code_grant import claims_of, error_of
from tests.signin.test_token_endpoint import basic, token_of
from tests.support.app import PASSWORD
from tests.support.emails import Readback
from tests.support.factories import Factories, MadeClient, TenantRow, UserRow
from tests.support.oauth_flow import CALLBACK, Flow
from tests.support.waiting import answers

REVOKE = "/auth/revoke"
RACKS = "/api/v1/racks"
SESSION = "select revoked_at from auth_session where id = :id"
EVENTS = "select actor_kind, actor_id, after from audit_event where action = 'session.closed' and object_id = :id"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def revoke(http: httpx.AsyncClient, client: MadeClient, token: str, **more: str) -> httpx.Response:
    """Revoke a token, authenticated as the client."""
    sent = {"token": token, **more}
    if client.secret is None:
        return await http.post(REVOKE, data={"client_id": str(client.id), **sent})
    return await http.post(REVOKE, data=sent, headers=basic(client))


async def revoked(http: httpx.AsyncClient, client: MadeClient, token: str, **more: str) -> None:
    answer = await revoke(http, client, token, **more)
    assert (answer.status_code, answer.json(), answer.headers["cache-control"]) == (200, {}, "no-store")


async def ended(readback: Readback, access_token: str) -> bool:
    """Return whether the token's session has ended, as another connection sees it."""
    [row] = await readback(SESSION, id=claims_of(access_token)["sid"])
    return row["revoked_at"] is not None


@pytest.fixture
async def ready(flow: Flow, user: UserRow) -> Flow:
    """Return the flow of a public client, whose user is signed in and has agreed."""
    await flow.decide(await flow.sign_in(await flow.authorize(), user.email))
    return flow


@pytest.fixture
async def confidential(make: Factories, own_tenant: TenantRow, ready: Flow) -> Flow:
    """Return the flow of a confidential client of the same user."""
    made = await make.oauth_client(own_tenant, "rack:read", grants=GRANTS, redirect_uris=[CALLBACK])
    found = replace(ready, client=made)
    await found.decide(await found.authorize())
    return found


class TestOwnTokens:
    async def test_a_refresh_token_ends_its_session_with_its_family(
        self, client: httpx.AsyncClient, ready: Flow, user: UserRow, readback: Readback
    ) -> None:
        mine, kept = [(await ready.exchange(client, await ready.code())).json() for _ in range(2)]
        next_one = (await ready.refresh(client, mine["refresh_token"])).json()
        assert (await client.get(RACKS, headers=bearer(mine["access_token"]))).status_code == 200

        await revoked(client, ready.client, next_one["refresh_token"])

        assert await ended(readback, mine["access_token"])
        for dead in (mine, next_one):
            await answers(401, partial(client.get, RACKS, headers=bearer(dead["access_token"])))
            assert error_of(await ready.refresh(client, dead["refresh_token"])) == (400, "invalid_grant")
        [event] = await readback(EVENTS, id=claims_of(mine["access_token"])["sid"])
        assert (event["actor_kind"], event["actor_id"]) == ("user", user.id)
        assert event["after"] == {"user_id": str(user.id), "client_id": str(ready.client.id)}
        assert not await ended(readback, kept["access_token"])
        assert (await client.get(RACKS, headers=bearer(kept["access_token"]))).status_code == 200
        assert (await ready.refresh(client, kept["refresh_token"])).status_code == 200

    async def test_an_access_token_ends_its_session_on_every_process(
        self, client: httpx.AsyncClient, other_process: httpx.AsyncClient, confidential: Flow, readback: Readback
    ) -> None:
        body = (await confidential.exchange(client, await confidential.code())).json()
        for process in (client, other_process):
            assert (await process.get(RACKS, headers=bearer(body["access_token"]))).status_code == 200
        await revoked(client, confidential.client, body["access_token"])
        assert await ended(readback, body["access_token"])
        assert len(await readback(EVENTS, id=claims_of(body["access_token"])["sid"])) == 1
        for process in (client, other_process):
            await answers(401, partial(process.get, RACKS, headers=bearer(body["access_token"])))
        assert error_of(await confidential.refresh(client, body["refresh_token"])) == (400, "invalid_grant")

    async def test_an_exchanged_refresh_token_ends_its_session_too(
        self, client: httpx.AsyncClient, ready: Flow, readback: Readback
    ) -> None:
        """The client may not know the next one, if the answer was lost."""
        first = (await ready.exchange(client, await ready.code())).json()
        await ready.refresh(client, first["refresh_token"])
        assert not await ended(readback, first["access_token"])
        await revoked(client, ready.client, first["refresh_token"])
        assert await ended(readback, first["access_token"])

    @pytest.mark.parametrize("hint", ["access_token", "refresh_token", "id_token"])
    async def test_a_hint_changes_nothing(
        self, client: httpx.AsyncClient, ready: Flow, readback: Readback, hint: str
    ) -> None:
        for kind in ("access_token", "refresh_token"):
            body = (await ready.exchange(client, await ready.code())).json()
            assert not await ended(readback, body["access_token"])
            await revoked(client, ready.client, body[kind], token_type_hint=hint)
            assert await ended(readback, body["access_token"])

    async def test_the_session_of_the_browser_goes_on(self, client: httpx.AsyncClient, ready: Flow) -> None:
        body = (await ready.exchange(client, await ready.code())).json()
        await revoked(client, ready.client, body["refresh_token"])
        assert error_of(await ready.refresh(client, body["refresh_token"])) == (400, "invalid_grant")
        assert (await ready.exchange(client, await ready.code())).status_code == 200

    async def test_a_machines_token_cannot_be_revoked(
        self, client: httpx.AsyncClient, make: Factories, own_tenant: TenantRow, flow: Flow
    ) -> None:
        machine, other = [await make.oauth_client(own_tenant, "rack:read") for _ in range(2)]
        held = await token_of(client, machine, flow.resource)
        token = held["Authorization"].removeprefix("Bearer ")
        assert error_of(await revoke(client, machine, token)) == (400, "unsupported_token_type")
        await revoked(client, other, token)  # as one that is nowhere
        assert (await client.get(RACKS, headers=held)).status_code == 200


class TestNothingElse:
    async def test_another_clients_tokens_live_on(
        self, client: httpx.AsyncClient, ready: Flow, confidential: Flow, readback: Readback
    ) -> None:
        body = (await ready.exchange(client, await ready.code())).json()
        for kind in ("refresh_token", "access_token"):
            await revoked(client, confidential.client, body[kind])
            assert not await ended(readback, body["access_token"])
        assert (await client.get(RACKS, headers=bearer(body["access_token"]))).status_code == 200
        await revoked(client, ready.client, body["refresh_token"])
        assert await ended(readback, body["access_token"])

    async def test_the_tokens_of_a_login_live_on(
        self, client: httpx.AsyncClient, ready: Flow, user: UserRow, readback: Readback
    ) -> None:
        login = {"email": user.email, "password": PASSWORD, "resource": ready.resource}
        login |= {
            "tenant": claims_of((await ready.exchange(client, await ready.code())).json()["access_token"])["tenant"]
        }
        body = (await client.post("/auth/login", json=login)).json()
        for kind in ("refresh_token", "access_token"):
            await revoked(client, ready.client, body[kind])
        assert not await ended(readback, body["access_token"])
        assert (await client.get(RACKS, headers=bearer(body["access_token"]))).status_code == 200

    async def test_unknown_and_dead_tokens_get_the_same_answer(
        self, client: httpx.AsyncClient, ready: Flow, readback: Readback
    ) -> None:
        body = (await ready.exchange(client, await ready.code())).json()
        await revoked(client, ready.client, body["refresh_token"])
        [before] = await readback(SESSION, id=claims_of(body["access_token"])["sid"])
        forged = body["access_token"][:-8] + "AAAAAAAA"
        for token in (new_secret("insula_rt"), "word", "a.b.c", forged, body["refresh_token"], body["access_token"]):
            await revoked(client, ready.client, token)
        assert [before] == await readback(SESSION, id=claims_of(body["access_token"])["sid"])
        assert len(await readback(EVENTS, id=claims_of(body["access_token"])["sid"])) == 1

    async def test_an_expired_access_token_ends_nothing(
        self, client: httpx.AsyncClient, ready: Flow, readback: Readback, settings: Settings
    ) -> None:
        body = (await ready.exchange(client, await ready.code())).json()
        late = timedelta(seconds=settings.auth.access_token_seconds + settings.auth.leeway_seconds + 1)
        with clock.moved(late):
            await revoked(client, ready.client, body["access_token"])
            assert not await ended(readback, body["access_token"])
            await revoked(client, ready.client, body["refresh_token"])
        assert await ended(readback, body["access_token"])


class TestRefusals:
    async def test_a_client_must_authenticate(
        self, client: httpx.AsyncClient, ready: Flow, confidential: Flow, readback: Readback
    ) -> None:
        body = (await confidential.exchange(client, await confidential.code())).json()
        made = confidential.client
        boasting = ready.client._replace(secret=made.secret)
        for wrong in (made._replace(secret=None), made._replace(secret="word"), boasting):
            assert error_of(await revoke(client, wrong, body["refresh_token"])) == (401, "invalid_client")
        assert error_of(await client.post(REVOKE, data={"token": body["refresh_token"]})) == (401, "invalid_client")
        assert not await ended(readback, body["access_token"])
        in_body = {"client_id": str(made.id), "client_secret": str(made.secret), "token": body["refresh_token"]}
        assert (await client.post(REVOKE, data=in_body)).status_code == 200
        assert await ended(readback, body["access_token"])

    async def test_malformed_requests_get_errors_of_oauth(
        self, client: httpx.AsyncClient, ready: Flow, readback: Readback
    ) -> None:
        body = (await ready.exchange(client, await ready.code())).json()
        token, named = body["refresh_token"], f"client_id={ready.client.id}"
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        for sent in (named, f"{named}&token=", f"{named}&token={token}&token={token}", f"{named}&token={token}%00"):
            assert error_of(await client.post(REVOKE, content=sent, headers=form)) == (400, "invalid_request")
        fields = {"client_id": str(ready.client.id), "token": token}
        assert error_of(await client.post(REVOKE, json=fields)) == (400, "invalid_request")
        assert error_of(await client.post(REVOKE, params=fields, headers=form)) == (400, "invalid_request")
        assert not await ended(readback, body["access_token"])
        assert (await client.post(REVOKE, data=fields)).status_code == 200
        assert await ended(readback, body["access_token"])

    async def test_attempts_are_limited_with_those_at_the_token_endpoint(
        self, client: httpx.AsyncClient, ready: Flow, confidential: Flow
    ) -> None:
        guesser = confidential.client._replace(secret="word")
        found = [await revoke(client, guesser, "word") for _ in range(61)]
        assert (found[0].status_code, found[-1].status_code) == (401, 429)
        assert found[-1].json()["error"] == "temporarily_unavailable"
        assert (await confidential.refresh(client, "word")).status_code == 429
        await revoked(client, ready.client, "word")
