"""A tenant with a member, the browser of that member, and clients for whom the member signs in."""

from collections.abc import AsyncIterator

import httpx
import pytest

from insula.core.settings import Settings
from tests.support.app import PASSWORD, Live
from tests.support.apps import audience
from tests.support.browsers import Browser, browser_at
from tests.support.factories import Factories, MadeClient, TenantRow, UserRow
from tests.support.oauth_flow import CALLBACK, Flow
from tests.support.visitors import new_address

GRANTS = ("authorization_code", "refresh_token")


@pytest.fixture
async def client(live: Live, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client as elsewhere, but at a new address: attempts of other tests are not counted with its own."""
    transport = httpx.ASGITransport(live, raise_app_exceptions=False, client=(new_address(), 50_000))
    live.undocumented.clear()
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
        yield client
    assert live.undocumented == []


@pytest.fixture
async def user(make: Factories) -> UserRow:
    return await make.user(password=PASSWORD)


@pytest.fixture
async def own_tenant(make: Factories, user: UserRow) -> TenantRow:
    """Return the user's only tenant; the user is its owner."""
    tenant = await make.tenant(plan="pro")
    await make.member(tenant, user=user, role="owner")
    return tenant


@pytest.fixture
async def browser(live: Live, settings: Settings) -> AsyncIterator[Browser]:
    async with browser_at(live, settings.public_url) as browser:
        yield browser


@pytest.fixture
async def third_party(make: Factories, own_tenant: TenantRow) -> MadeClient:
    """Return a public client of the tenant."""
    return await make.oauth_client(
        own_tenant, "rack:read", "rack:create", kind="public", grants=GRANTS, redirect_uris=[CALLBACK]
    )


@pytest.fixture
async def flow(browser: Browser, third_party: MadeClient, settings: Settings) -> Flow:
    """Return the flow of the tenant's client for the app of tenants."""
    return Flow(browser, third_party, audience(settings, "tenants"))


@pytest.fixture
async def own_flow(browser: Browser, make: Factories, own_tenant: TenantRow, settings: Settings) -> Flow:  # noqa: ARG001  # the user has a tenant
    """Return the flow of a client of the platform itself."""
    return Flow(browser, await make.first_party_client(CALLBACK), audience(settings, "tenants"))
