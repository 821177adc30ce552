"""``/auth/userinfo``: claims by scope, for tokens with ``openid`` alone, as long as their app would accept them."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Final

import httpx
import pytest

from insula.core.ids import UserId
from insula.core.settings import Settings
from insula.http.routing.guards import PERSONAL_REQUESTS_PER_MINUTE
from tests.support.app import Live
from tests.support.apps import audience
from tests.support.emails import Readback
from tests.support.factories import Factories, TenantRow, UserRow
from tests.support.oauth_flow import Flow
from tests.support.waiting import answers

USERINFO: Final = "/auth/userinfo"
INVALID: Final = 'Bearer error="invalid_token"'
EVERYTHING: Final = "openid profile email rack:read"


@pytest.fixture
async def ready(flow: Flow, user: UserRow) -> Flow:
    """Return the flow of a user who is signed in and has agreed."""
    await flow.decide(await flow.sign_in(await flow.authorize(scope=EVERYTHING), user.email))
    return flow


async def tokens(flow: Flow, client: httpx.AsyncClient, scope: str | None = EVERYTHING) -> Mapping[str, str]:
    found: Mapping[str, str] = (await flow.exchange(client, await flow.code(scope=scope))).json()
    return found


def holding(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    return answer.status_code, answer.json()["code"], answer.headers["www-authenticate"]


class TestClaims:
    @pytest.mark.parametrize(
        ("scope", "shown"),
        [
            ("openid", {"sub"}),
            ("openid profile", {"sub", "name", "updated_at"}),
            ("openid email rack:read", {"sub", "email", "email_verified"}),
            (EVERYTHING, {"sub", "name", "updated_at", "email", "email_verified"}),
        ],
    )
    async def test_each_scope_shows_its_claims(
        self, client: httpx.AsyncClient, ready: Flow, user: UserRow, scope: str, shown: set[str], readback: Readback
    ) -> None:
        [row] = await readback('select extract(epoch from updated_at) as at from "user" where id = :id', id=user.id)
        held = holding((await tokens(ready, client, scope))["access_token"])
        for method in ("GET", "POST"):
            answer = await client.request(method, USERINFO, headers=held)
            assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
            claims = {"sub": str(user.id), "name": user.name, "updated_at": int(row["at"])}
            claims |= {"email": user.email, "email_verified": True}
            assert answer.json() == {name: value for name, value in claims.items() if name in shown}

    async def test_they_are_those_of_now(
        self, client: httpx.AsyncClient, ready: Flow, user: UserRow, readback: Readback
    ) -> None:
        held = holding((await tokens(ready, client))["access_token"])
        assert (await client.get(USERINFO, headers=held)).json()["name"] == user.name
        await readback("update \"user\" set name = 'Countess' where id = :id", id=user.id)
        assert (await client.get(USERINFO, headers=held)).json()["name"] == "Countess"

    async def test_a_token_for_any_app_is_taken(
        self, client: httpx.AsyncClient, own_flow: Flow, make: Factories, user: UserRow, settings: Settings
    ) -> None:
        await make.staff(user=user)
        await own_flow.sign_in(await own_flow.authorize(), user.email)
        for app in ("tenants", "admin"):
            flow = replace(own_flow, resource=audience(settings, app))
            held = holding((await tokens(flow, client, "openid"))["access_token"])
            assert (await client.get(USERINFO, headers=held)).json() == {"sub": str(user.id)}


class TestRefusals:
    async def test_without_openid_a_token_is_refused(
        self, client: httpx.AsyncClient, ready: Flow, make: Factories, own_tenant: TenantRow
    ) -> None:
        wanted = (403, "insufficient_scope", 'Bearer error="insufficient_scope", scope="openid"')
        narrow = (await tokens(ready, client, "profile email rack:read"))["access_token"]
        assert refusal(await client.get(USERINFO, headers=holding(narrow))) == wanted
        machine = await make.oauth_client(own_tenant, "rack:read")
        ours = replace(ready, client=machine)
        given = await ours.ask(client, {"grant_type": "client_credentials", "resource": ready.resource})
        assert refusal(await client.get(USERINFO, headers=holding(given.json()["access_token"]))) == wanted
        wide = (await tokens(ready, client, "openid"))["access_token"]
        assert (await client.get(USERINFO, headers=holding(wide))).status_code == 200

    async def test_other_tokens_are_refused(self, client: httpx.AsyncClient, ready: Flow) -> None:
        given = await tokens(ready, client)
        signed, _, signature = given["access_token"].rpartition(".")
        forged = f"{signed}.{'A' * len(signature)}"
        for token in (given["id_token"], given["refresh_token"], forged, "x", "insula_ak_x", "a.b.c"):
            assert refusal(await client.get(USERINFO, headers=holding(token))) == (401, "unauthenticated", INVALID)
        assert (await client.get(USERINFO, headers=holding(given["access_token"]))).status_code == 200

    async def test_a_token_for_no_app_of_ours_is_refused(
        self, client: httpx.AsyncClient, ready: Flow, live: Live, user: UserRow, readback: Readback
    ) -> None:
        await tokens(ready, client)
        [row] = await readback("select id from auth_session where client_id = :id", id=ready.client.id)
        issue = partial(live.kernel.issuer.issue, user_id=UserId(user.id), session_id=row["id"], scopes={"openid"})
        for resource, status in ((f"{ready.resource}/nowhere", 401), (ready.resource, 200)):
            issued = await issue(audience=resource)
            assert (await client.get(USERINFO, headers=holding(issued))).status_code == status

    async def test_the_token_comes_in_its_header_alone(self, client: httpx.AsyncClient, ready: Flow) -> None:
        token = (await tokens(ready, client))["access_token"]
        nothing = (401, "unauthenticated", "Bearer")
        assert refusal(await client.get(USERINFO)) == nothing
        assert refusal(await client.get(USERINFO, params={"access_token": token})) == nothing
        assert refusal(await client.post(USERINFO, data={"access_token": token})) == nothing
        assert refusal(await client.get(USERINFO, headers={"X-API-Key": token})) == nothing
        assert refusal(await client.get(USERINFO, headers={"Authorization": f"Basic {token}"})) == nothing
        twice = [("Authorization", f"Bearer {token}")] * 2
        assert (await client.get(USERINFO, headers=twice)).status_code == 400
        assert (await client.post(USERINFO, headers=holding(token))).status_code == 200

    async def test_another_tenants_host_is_refused(
        self, client: httpx.AsyncClient, ready: Flow, make: Factories, own_tenant: TenantRow
    ) -> None:
        held, other = holding((await tokens(ready, client))["access_token"]), await make.tenant()
        conflict = await client.get(USERINFO, headers=held | {"X-Tenant": other.slug})
        assert (conflict.status_code, conflict.json()["code"]) == (403, "tenant_conflict")
        assert (await client.get(USERINFO, headers=held | {"X-Tenant": own_tenant.slug})).status_code == 200

    async def test_each_user_is_limited(self, client: httpx.AsyncClient, ready: Flow) -> None:
        held = holding((await tokens(ready, client))["access_token"])
        statuses = [
            (await client.get(USERINFO, headers=held)).status_code for _ in range(PERSONAL_REQUESTS_PER_MINUTE + 1)
        ]
        assert (statuses[0], statuses[-1]) == (200, 429)


@pytest.mark.parametrize(
    "statement",
    [
        "update \"user\" set status = 'suspended' where id = :id",
        "update auth_session set revoked_at = now() where user_id = :id and client_id is not null",
        "delete from oauth_consent where user_id = :id",
    ],
)
async def test_loss_of_access_bites_within_a_second_on_every_process(
    client: httpx.AsyncClient,
    other_process: httpx.AsyncClient,
    ready: Flow,
    user: UserRow,
    readback: Readback,
    statement: str,
) -> None:
    held = holding((await tokens(ready, client))["access_token"])
    for process in (client, other_process):
        assert (await process.get(USERINFO, headers=held)).status_code == 200
    await readback(statement, id=user.id)
    for process in (client, other_process):
        await answers(401, partial(process.get, USERINFO, headers=held))
        assert refusal(await process.get(USERINFO, headers=held)) == (401, "unauthenticated", INVALID)
