"""``POST /auth/token`` with ``client_credentials``: a tenant's machine gets a token, and acts with it."""

import base64
import json
import logging
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Final

import httpx
import pytest
from authlib.integrations.httpx_client import AsyncOAuth2Client

from insula.core import clock
from insula.core.ids import new_id
from insula.core.logging import configure
from insula.core.settings import Settings
from tests.support.app import serving
from tests.support.apps import INSTALLATION, POLICY, audience
from tests.support.factories import Factories, MadeClient, TenantRow
from tests.support.provider import Readback
from tests.support.waiting import answers

TOKEN: Final = "/auth/token"
RACKS: Final = "/api/v1/racks"


@pytest.fixture
async def tenant(make: Factories) -> TenantRow:
    return await make.tenant(plan="pro")


@pytest.fixture
async def machine(make: Factories, tenant: TenantRow) -> MadeClient:
    return await make.oauth_client(tenant, "rack:create", "rack:read")


@pytest.fixture
def resource(settings: Settings) -> str:
    return audience(settings, "tenants")


def basic(client: MadeClient) -> dict[str, str]:
    pair = f"{client.id}:{client.secret}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def form(resource: str, **more: str) -> dict[str, str]:
    return {"grant_type": "client_credentials", "resource": resource, **more}


async def ask(client: httpx.AsyncClient, machine: MadeClient, resource: str, **more: str) -> httpx.Response:
    return await client.post(TOKEN, data=form(resource, **more), headers=basic(machine))


async def token_of(client: httpx.AsyncClient, machine: MadeClient, resource: str, **more: str) -> dict[str, str]:
    """Return the headers of a request with a new token."""
    answer = await ask(client, machine, resource, **more)
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def claims_of(headers: Mapping[str, str]) -> dict[str, Any]:
    payload = headers["Authorization"].split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def code_of(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, answer.json()["error"]


class TestToken:
    async def test_it_is_for_one_app_one_tenant_and_the_clients_scopes(
        self, client: httpx.AsyncClient, machine: MadeClient, tenant: TenantRow, resource: str, settings: Settings
    ) -> None:
        answer = await ask(client, machine, resource)
        body = answer.json()
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        assert {name: body[name] for name in body if name != "access_token"} == {
            "token_type": "Bearer",
            "expires_in": settings.auth.access_token_seconds,
            "scope": "rack:create rack:read",
        }
        claims = claims_of({"Authorization": f"Bearer {body['access_token']}"})
        assert claims["exp"] - claims["iat"] == settings.auth.access_token_seconds
        assert {name: claims[name] for name in claims if name not in ("exp", "iat", "nbf", "jti")} == {
            "iss": settings.public_url,
            "aud": resource,
            "sub": str(machine.id),
            "client_id": str(machine.id),
            "tenant": str(tenant.id),
            "scope": "rack:create rack:read",
        }

    async def test_the_secret_may_come_in_the_body(
        self, client: httpx.AsyncClient, machine: MadeClient, resource: str
    ) -> None:
        data = form(resource, client_id=str(machine.id), client_secret=str(machine.secret))
        assert (await client.post(TOKEN, data=data)).status_code == 200

    async def test_fewer_scopes_narrow_it_and_others_are_refused(
        self, client: httpx.AsyncClient, machine: MadeClient, resource: str
    ) -> None:
        read = await token_of(client, machine, resource, scope="rack:read")
        assert claims_of(read)["scope"] == "rack:read"
        assert (await client.get(RACKS, headers=read)).status_code == 200
        refused = await client.post(RACKS, json={"name": "Temple"}, headers=read)
        assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
        for scope in ("rack:delete", "rack:read rack:delete", "rack:*", "rack:read  rack:create"):
            assert code_of(await ask(client, machine, resource, scope=scope)) == (400, "invalid_scope")

    async def test_a_machine_works_in_its_tenant_alone_and_the_audit_log_names_it(
        self,
        client: httpx.AsyncClient,
        make: Factories,
        machine: MadeClient,
        tenant: TenantRow,
        resource: str,
        readback: Readback,
    ) -> None:
        other = await make.tenant(plan="pro")
        neighbour = await make.oauth_client(other, "rack:read")
        mine = await token_of(client, machine, resource)
        made = await client.post(RACKS, json={"name": "Temple"}, headers=mine)
        assert made.status_code == 201
        events = await readback("select * from audit_event where tenant_id = :id", id=tenant.id)
        assert [
            (event["action"], event["actor_kind"], event["actor_id"], event["actor_label"]) for event in events
        ] == [("rack.created", "oauth_client", machine.id, "Made")]
        theirs = await token_of(client, neighbour, resource)
        path = f"{RACKS}/{made.json()['id']}"
        assert (await client.get(path, headers=mine)).status_code == 200
        assert (await client.get(path, headers=theirs)).status_code == 404
        for named in (tenant.slug, str(tenant.id)):
            assert (await client.get(RACKS, headers={**theirs, "X-Tenant": named})).status_code == 403
        assert (await client.get(RACKS, headers={**mine, "X-Tenant": tenant.slug})).status_code == 200

    async def test_it_is_refused_by_other_apps_and_personal_routes(
        self, client: httpx.AsyncClient, machine: MadeClient, resource: str
    ) -> None:
        mine = await token_of(client, machine, resource)
        elsewhere = await client.get("/admin/v1/tenants", headers=mine)
        assert (elsewhere.status_code, elsewhere.json()["code"]) == (401, "wrong_audience")
        assert (await client.get("/api/v1/me", headers=mine)).status_code in (401, 403)
        assert (await client.get("/api/v1/oauth-clients", headers=mine)).status_code == 403

    async def test_a_token_in_the_query_or_the_body_is_not_taken(
        self, client: httpx.AsyncClient, machine: MadeClient, resource: str
    ) -> None:
        mine = await token_of(client, machine, resource)
        token = mine["Authorization"].removeprefix("Bearer ")
        assert (await client.get(RACKS, headers=mine)).status_code == 200
        assert (await client.get(RACKS, params={"access_token": token})).status_code == 401
        assert (await client.post(RACKS, data={"access_token": token, "name": "Temple"})).status_code == 401


class TestRefusals:
    async def test_an_unknown_client_and_a_wrong_secret_get_the_same_answer(
        self, client: httpx.AsyncClient, make: Factories, machine: MadeClient, tenant: TenantRow, resource: str
    ) -> None:
        other = await make.oauth_client(tenant, "rack:read")
        wrong = [
            MadeClient(new_id(), machine.secret),
            MadeClient(machine.id, other.secret),
            MadeClient(machine.id, "word"),
            MadeClient(machine.id, f"{machine.secret}0"),
        ]
        found = [await ask(client, each, resource) for each in wrong]
        assert {code_of(answer) for answer in found} == {(401, "invalid_client")}
        assert len({answer.text for answer in found}) == 1
        assert {answer.headers["www-authenticate"] for answer in found} == {'Basic realm="oauth"'}
        for spelling in (machine.id.hex, str(machine.id).upper(), f"{{{machine.id}}}"):
            data = form(resource, client_id=spelling, client_secret=str(machine.secret))
            assert code_of(await client.post(TOKEN, data=data)) == (401, "invalid_client")
        assert (await ask(client, machine, resource)).status_code == 200

    async def test_a_confidential_client_must_authenticate_and_a_public_one_gets_nothing(
        self, client: httpx.AsyncClient, make: Factories, machine: MadeClient, tenant: TenantRow, resource: str
    ) -> None:
        phone = await make.oauth_client(tenant, "rack:read", kind="public", grants=["authorization_code"])
        for named in (machine, phone):
            refused = await client.post(TOKEN, data=form(resource, client_id=str(named.id)))
            assert code_of(refused) == (401, "invalid_client")
        assert code_of(await client.post(TOKEN, data=form(resource))) == (401, "invalid_client")

    async def test_each_client_has_its_grants(
        self, client: httpx.AsyncClient, make: Factories, machine: MadeClient, tenant: TenantRow, resource: str
    ) -> None:
        web = await make.oauth_client(tenant, "rack:read", grants=["authorization_code"])
        ours = await make.first_party_client("https://app.example.com/", kind="confidential")
        for other in (web, ours):
            assert code_of(await ask(client, other, resource)) == (400, "unauthorized_client")
        for grant in ("authorization_code", "refresh_token"):
            refused = await client.post(TOKEN, data=form(resource) | {"grant_type": grant}, headers=basic(machine))
            assert code_of(refused) == (400, "unauthorized_client")
        for grant in ("password", "implicit", "urn:x"):
            refused = await client.post(TOKEN, data=form(resource) | {"grant_type": grant}, headers=basic(machine))
            assert code_of(refused) == (400, "unsupported_grant_type")
        missing = await client.post(TOKEN, data={"resource": resource}, headers=basic(machine))
        assert code_of(missing) == (400, "invalid_request")

    async def test_the_resource_is_one_app_for_machines(
        self, client: httpx.AsyncClient, machine: MadeClient, resource: str, settings: Settings
    ) -> None:
        staff = audience(settings, "admin")
        for wrong in ("", staff, f"{resource}/", resource.upper(), "https://other.example/api", settings.public_url):
            assert code_of(await ask(client, machine, wrong)) == (400, "invalid_target")
        twice = f"grant_type=client_credentials&resource={resource}&resource={resource}"
        headers = {**basic(machine), "Content-Type": "application/x-www-form-urlencoded"}
        assert code_of(await client.post(TOKEN, content=twice, headers=headers)) == (400, "invalid_target")

    async def test_malformed_requests_get_errors_of_oauth(
        self, client: httpx.AsyncClient, machine: MadeClient, resource: str
    ) -> None:
        headers = {**basic(machine), "Content-Type": "application/x-www-form-urlencoded"}
        for body in (b"", b"\xff", b"grant_type=%00", b"grant_type=a&grant_type=b", b'response_type="', b"noise"):
            assert code_of(await client.post(TOKEN, content=body, headers=headers)) == (400, "invalid_request")
        as_json = await client.post(TOKEN, json=form(resource), headers=basic(machine))
        assert code_of(as_json) == (400, "invalid_request")
        in_url = await client.post(TOKEN, params=form(resource), headers=headers)
        assert code_of(in_url) == (400, "invalid_request")

    async def test_an_expired_secret_is_refused(
        self, client: httpx.AsyncClient, machine: MadeClient, resource: str, readback: Readback
    ) -> None:
        await readback(
            "update oauth_client set previous_hash = secret_hash, previous_until = :until, secret_hash = 'x' "
            "where id = :id",
            until=clock.now() + timedelta(minutes=1),
            id=machine.id,
        )
        assert (await ask(client, machine, resource)).status_code == 200
        with clock.moved(timedelta(minutes=2)):
            assert code_of(await ask(client, machine, resource)) == (401, "invalid_client")

    async def test_attempts_are_limited(self, client: httpx.AsyncClient, machine: MadeClient, resource: str) -> None:
        """Each client by itself, so that one does not lock out others behind the same address."""
        guesser = MadeClient(new_id(), "word")
        statuses = [(await ask(client, guesser, resource)).status_code for _ in range(61)]
        assert statuses[0] == 401
        assert statuses[-1] == 429
        last = await ask(client, guesser, resource)
        assert int(last.headers["retry-after"]) > 0
        assert last.json()["error"] == "temporarily_unavailable"
        assert (await ask(client, machine, resource)).status_code == 200


async def test_loss_of_access_bites_within_a_second_on_every_process(
    client: httpx.AsyncClient,
    other_process: httpx.AsyncClient,
    make: Factories,
    tenant: TenantRow,
    resource: str,
    readback: Readback,
) -> None:
    revoked, narrowed, kept = [await make.oauth_client(tenant, "rack:read") for _ in range(3)]
    tokens = {each.id: await token_of(client, each, resource) for each in (revoked, narrowed, kept)}
    for headers in tokens.values():
        for process in (client, other_process):
            assert (await process.get(RACKS, headers=headers)).status_code == 200

    await readback("update oauth_client set revoked_at = now() where id = :id", id=revoked.id)
    await readback("update oauth_client set scopes = '{member:read}' where id = :id", id=narrowed.id)

    for process in (client, other_process):
        await answers(401, partial(process.get, RACKS, headers=tokens[revoked.id]))
        await answers(401, partial(ask, process, revoked, resource))
        await answers(403, partial(process.get, RACKS, headers=tokens[narrowed.id]))
        assert (await process.get(RACKS, headers=tokens[kept.id])).status_code == 200

    await readback("update tenant set status = 'suspended' where id = :id", id=tenant.id)
    for process in (client, other_process):
        await answers(403, partial(process.get, RACKS, headers=tokens[kept.id]))
        await answers(401, partial(ask, process, kept, resource))


async def test_authlibs_client_gets_a_token_from_a_real_server(
    settings: Settings, machine: MadeClient, resource: str
) -> None:
    host = settings.public_url.partition("//")[2]
    with serving(settings) as address:
        async with AsyncOAuth2Client(str(machine.id), machine.secret, headers={"Host": host}) as session:
            token = await session.fetch_token(
                f"{address}{TOKEN}", grant_type="client_credentials", resource=resource, scope="rack:read"
            )
            assert token["scope"] == "rack:read"
            assert (await session.get(f"{address}{RACKS}")).status_code == 200


async def test_the_metadata_agrees_with_what_is_served(
    client: httpx.AsyncClient, machine: MadeClient, resource: str, settings: Settings
) -> None:
    answer = await client.get("/.well-known/oauth-authorization-server")
    found = answer.json()
    assert answer.headers["cache-control"] == "public, max-age=300"
    mine = await token_of(client, machine, resource)
    assert found["issuer"] == claims_of(mine)["iss"] == settings.public_url
    assert set(claims_of(mine)["scope"].split()) <= set(found["scopes_supported"])
    assert (await client.get(found["jwks_uri"])).status_code == 200
    refused = await client.post(found["token_endpoint"])
    assert code_of(refused) == (400, "invalid_request")
    grants = found["grant_types_supported"]
    assert {"authorization_code", "client_credentials", "refresh_token"} == set(grants)
    for grant in ("authorization_code", "client_credentials", "refresh_token", "password", "implicit"):
        answer = await client.post(TOKEN, data=form(resource) | {"grant_type": grant}, headers=basic(machine))
        assert (answer.json().get("error") != "unsupported_grant_type") == (grant in grants)
        assert (answer.status_code == 200) == (grant == "client_credentials")
    assert found["response_types_supported"] == ["code"]
    led = await client.get(found["authorization_endpoint"])
    assert (led.status_code, led.headers["content-type"]) == (400, "text/html; charset=utf-8")
    for name, for_public_ones in (("revocation", True), ("introspection", False)):
        asked = await client.post(found[f"{name}_endpoint"], data={"token": "word"}, headers=basic(machine))
        assert (asked.status_code, asked.headers["cache-control"]) == (200, "no-store")
        assert code_of(await client.post(found[f"{name}_endpoint"])) == (400, "invalid_request")
        methods = found[f"{name}_endpoint_auth_methods_supported"]
        assert set(methods) == {"client_secret_basic", "client_secret_post"} | ({"none"} if for_public_ones else set())


async def test_each_app_names_its_resource_and_its_authorization_server(
    client: httpx.AsyncClient, machine: MadeClient, resource: str, settings: Settings
) -> None:
    for app in INSTALLATION.apps:
        uri = audience(settings, app.name)
        answer = await client.get(f"/.well-known/oauth-protected-resource/{uri.rpartition('/')[2]}")
        assert answer.json() == {
            "resource": uri,
            "authorization_servers": [settings.public_url],
            "scopes_supported": sorted(POLICY.actions.intersection(app.permissions)),
            "bearer_methods_supported": ["header"],
            "resource_name": app.title,
            "resource_documentation": f"{uri}/docs",
        }
        assert (await client.get(answer.json()["resource_documentation"])).status_code == 200
    found = (await client.get("/.well-known/oauth-protected-resource/api")).json()
    assert "rack:read" in found["scopes_supported"]
    assert claims_of(await token_of(client, machine, found["resource"]))["aud"] == resource
    for nowhere in ("nowhere", "API", "api%2F", "."):
        assert (await client.get(f"/.well-known/oauth-protected-resource/{nowhere}")).status_code == 404


def test_authlibs_logger_is_never_below_info() -> None:
    before = logging.getLogger().handlers[:], logging.getLogger().level
    try:
        for level, expected in (("DEBUG", logging.INFO), ("INFO", logging.INFO), ("ERROR", logging.ERROR)):
            configure("json", level)
            assert logging.getLogger("authlib.oauth2.rfc6749.grants").getEffectiveLevel() == expected
    finally:
        logging.getLogger().handlers[:] = before[0]
        logging.getLogger().setLevel(before[1])
