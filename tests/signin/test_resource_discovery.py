"""An OAuth client finds the authorization server of each app by its first 401 alone (RFC 9728, RFC 8414)."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import parse_http_list, parse_keqv_list

import httpx
import pytest
from authlib.oauth2.rfc8414 import get_well_known_url

from insula.callers import ApiKeys, OAuthClients
from insula.core.settings import Settings
from insula.identity.credentials.api_keys import PREFIX
from tests.support.app import PASSWORD, SignIn
from tests.support.apps import INSTALLATION, MOUNTS, POLICY
from tests.support.browsers import Browser
from tests.support.documents import operations_of
from tests.support.factories import Factories, TenantRow
from tests.support.oauth_flow import CALLBACK, TOKEN, Flow

APPS: Final = tuple(app.name for app in INSTALLATION.apps)
FOR_MACHINES: Final = tuple(
    app.name for app in INSTALLATION.apps if any(isinstance(kind, OAuthClients) for kind in app.callers)
)
FOR_KEYS: Final = tuple(app.name for app in INSTALLATION.apps if any(isinstance(kind, ApiKeys) for kind in app.callers))


async def read_of(client: httpx.AsyncClient, app: str) -> tuple[str, str]:
    """Return the path of a read in the app, and its action: one for machines where there is one."""
    document = (await client.get(f"{MOUNTS[app]}/openapi.json")).json()
    reads = [
        (f"{MOUNTS[app]}{path}", operations["get"]["security"][0]["bearer"][0])
        for path, operations in operations_of(document).items()
        if "{" not in path and operations.get("get", {}).get("security")
    ]
    return next((read for read in reads if read[1] in POLICY.for_keys), reads[0])


def challenge_in(answer: httpx.Response) -> dict[str, str]:
    """Return the parameters of the answer's only challenge."""
    [header] = answer.headers.get_list("www-authenticate")
    scheme, _, parameters = header.partition(" ")
    assert scheme == "Bearer"
    return parse_keqv_list(parse_http_list(parameters))


async def discovered(client: httpx.AsyncClient, url: str) -> tuple[str, Mapping[str, Any]]:
    """Return the resource of a URL, and the metadata of its authorization server, with the checks of the RFCs."""
    refused = await client.get(url)
    assert refused.status_code == 401
    found = challenge_in(refused)
    assert list(found) == ["resource_metadata"]
    metadata = (await client.get(found["resource_metadata"])).json()
    resource: str = metadata["resource"]
    assert url.startswith(f"{resource}/")
    own = urlsplit(resource)
    derived = own._replace(path=f"/.well-known/oauth-protected-resource{own.path}").geturl()
    assert found["resource_metadata"] == derived
    [issuer] = metadata["authorization_servers"]
    server = (await client.get(get_well_known_url(issuer, external=True))).json()
    assert server["issuer"] == issuer
    return resource, server


@pytest.mark.parametrize("app", FOR_MACHINES)
async def test_a_machine_that_knows_only_a_url_gets_a_token_and_reads(
    client: httpx.AsyncClient, make: Factories, settings: Settings, app: str
) -> None:
    path, action = await read_of(client, app)
    machine = await make.oauth_client(await make.tenant(plan="pro"), action)
    url = f"{settings.public_url}{path}"

    resource, server = await discovered(client, url)
    assert "client_credentials" in server["grant_types_supported"]
    assert "client_secret_basic" in server["token_endpoint_auth_methods_supported"]
    form = {"grant_type": "client_credentials", "resource": resource}
    answer = await client.post(server["token_endpoint"], data=form, auth=(str(machine.id), str(machine.secret)))
    read = await client.get(url, headers={"Authorization": f"Bearer {answer.json()['access_token']}"})

    assert read.status_code == 200, read.text
    assert "www-authenticate" not in read.headers


async def test_staff_get_a_token_of_the_server_that_the_app_of_staff_names(
    client: httpx.AsyncClient, make: Factories, browser: Browser, settings: Settings
) -> None:
    path, _ = await read_of(client, "admin")
    staff = await make.staff(user=await make.user(password=PASSWORD))

    resource, server = await discovered(client, f"{settings.public_url}{path}")
    flow = Flow(browser, await make.first_party_client(CALLBACK), resource)
    assert server["authorization_endpoint"] == f"{settings.public_url}/auth/authorize"
    assert server["token_endpoint"] == f"{settings.public_url}{TOKEN}"
    await flow.sign_in(await flow.authorize(), staff.email)
    token = (await flow.exchange(client, await flow.code())).json()["access_token"]

    assert (await client.get(path, headers={"Authorization": f"Bearer {token}"})).status_code == 200


@pytest.mark.parametrize("app", APPS)
async def test_every_app_says_whether_credentials_were_refused_or_missing(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, settings: Settings, app: str
) -> None:
    path, _ = await read_of(client, app)
    where = {"resource_metadata": f"{settings.public_url}/.well-known/oauth-protected-resource{MOUNTS[app]}"}
    user = await make.staff() if app == "admin" else await make.user()
    tenant = None if app == "admin" else await make.tenant(plan="pro")
    if tenant is not None:
        await make.member(tenant, user=user, role="owner")
    elsewhere = await sign_in(user, tenant, next(other for other in APPS if other != app))
    key = f"{PREFIX}{'x' * 43}"

    assert (await client.get(path, headers=await sign_in(user, tenant, app))).status_code == 200
    in_its_own_header: list[dict[str, str]] = [{"X-API-Key": key}, {"X-API-Key": "nonsense"}]
    missing: list[dict[str, str]] = [{}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer"}]
    for headers in (*missing, *(() if app in FOR_KEYS else in_its_own_header)):
        refused = await client.get(path, headers=headers)
        assert (refused.status_code, challenge_in(refused)) == (401, where)
    for headers in (
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "bearer nonsense"},
        {"Authorization": f"Bearer {key}"},
        elsewhere,
        *(in_its_own_header if app in FOR_KEYS else ()),
    ):
        refused = await client.get(path, headers=headers)
        assert (refused.status_code, challenge_in(refused)) == (401, where | {"error": "invalid_token"})
    narrow = await client.get(path, headers=await sign_in(user, tenant, app, scopes=["another:act"]))
    wanted = {"error": "insufficient_scope", "scope": (await read_of(client, app))[1]}
    assert (narrow.status_code, challenge_in(narrow)) == (403, where | wanted)


async def test_a_role_that_is_too_narrow_is_no_fault_of_the_token(
    client: httpx.AsyncClient, make: Factories, sign_in: SignIn, own_tenant: TenantRow
) -> None:
    viewer = await sign_in(await make.member(own_tenant, role="viewer"), own_tenant)
    refused = await client.post("/api/v1/racks", json={"name": "Temple"}, headers=viewer)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert "www-authenticate" not in refused.headers
    assert (await client.get("/api/v1/racks", headers=viewer)).status_code == 200


async def test_a_browser_gets_the_challenge_with_the_page(client: httpx.AsyncClient, settings: Settings) -> None:
    page = await client.get("/api/v1/racks", headers={"Accept": "text/html", "Sec-Fetch-Mode": "navigate"})
    assert (page.status_code, page.headers["content-type"]) == (401, "text/html; charset=utf-8")
    assert challenge_in(page) == {
        "resource_metadata": f"{settings.public_url}/.well-known/oauth-protected-resource/api"
    }
