"""Fault 23 for the tokens of OAuth clients, over a real server: of each app and scope only the diagonal passes."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Final

import httpx
import pytest

from insula.callers import RoleCallers
from insula.core.settings import Settings
from tests.faults.test_23_audience_and_time import PATHS
from tests.support.app import PASSWORD, Live, serving
from tests.support.apps import INSTALLATION, audience
from tests.support.browsers import browser_at
from tests.support.factories import Factories
from tests.support.oauth_flow import CALLBACK, Flow, parameters_of

SCOPED: Final = {
    "rack:read": "/api/v1/racks",
    "member:read": "/api/v1/members",
    "api_key:read": "/api/v1/api-keys",
    "oauth_client:read": "/api/v1/oauth-clients",
}
"""A route for each scope."""


@pytest.fixture
def address(settings: Settings) -> Iterator[str]:
    with serving(settings) as url:
        yield url


@pytest.fixture
async def server(address: str, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Host": settings.public_url.partition("://")[2]}
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=60) as client:
        yield client


@pytest.fixture
async def flow(live: Live, settings: Settings, make: Factories) -> AsyncIterator[Flow]:
    """Return the flow of a client of the platform, whose user has the strongest role of every kind."""
    tenant = await make.tenant(plan="pro", entitlements={"requests_per_minute": 60_000})
    user = await make.user(password=PASSWORD)
    await make.staff(user=await make.member(tenant, role="owner", user=user))
    for kind in (kind for app in INSTALLATION.apps for kind in app.callers if isinstance(kind, RoleCallers)):
        await make.insert(kind.model(user_id=user.id, role=next(iter(kind.roles))))
    async with browser_at(live, settings.public_url) as browser:
        flow = Flow(browser, await make.first_party_client(CALLBACK), audience(settings, "tenants"))
        assert "code" in parameters_of(await flow.sign_in(await flow.authorize(), user.email))
        yield flow


async def held(server: httpx.AsyncClient, flow: Flow, scope: str | None = None) -> dict[str, str]:
    """Return the headers of a request with a new token."""
    answer = await flow.exchange(server, await flow.code(scope=scope))
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def test_a_token_is_accepted_by_its_app_alone(server: httpx.AsyncClient, flow: Flow, settings: Settings) -> None:
    found = {}
    for mine in PATHS:
        headers = await held(server, replace(flow, resource=audience(settings, mine)))
        for app, path in PATHS.items():
            found[mine, app] = (await server.get(path, headers=headers)).status_code
    assert found == {(mine, app): 200 if mine == app else 401 for mine in PATHS for app in PATHS}


async def test_a_token_opens_the_routes_of_its_scopes_alone(server: httpx.AsyncClient, flow: Flow) -> None:
    found = {}
    for scope in (*SCOPED, " ".join(SCOPED)):
        headers = await held(server, flow, scope)
        for needed, path in SCOPED.items():
            found[scope, needed] = (await server.get(path, headers=headers)).status_code
    assert found == {
        (scope, needed): 200 if needed in scope.split() else 403
        for scope in (*SCOPED, " ".join(SCOPED))
        for needed in SCOPED
    }
