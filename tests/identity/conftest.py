"""The kernel's identity services on this worker's database, without an app."""

from collections.abc import AsyncIterator

import pytest

from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.identity import KeyRing, Sessions, TokenIssuer, TokenVerifier
from tests.support.app import PASSWORD, Live
from tests.support.apps import DECLARED, audience
from tests.support.factories import Factories, TenantRow, UserRow
from tests.support.newcomers import new_email
from tests.support.tokens import Forge
from tests.support.visitors import Visitor, visitor_at


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    database = await Database.open(settings, DECLARED.web_roles)
    yield database
    await database.close()


@pytest.fixture
def keys(settings: Settings, database: Database) -> KeyRing:
    return KeyRing(settings, database)


@pytest.fixture
def issuer(settings: Settings, keys: KeyRing) -> TokenIssuer:
    return TokenIssuer(settings, keys)


@pytest.fixture
def verifier(settings: Settings, keys: KeyRing) -> TokenVerifier:
    return TokenVerifier(settings, keys)


@pytest.fixture
def sessions(settings: Settings, database: Database) -> Sessions:
    return Sessions(settings, database)


@pytest.fixture
async def forge(settings: Settings, keys: KeyRing) -> Forge:
    return await Forge.of(settings, keys)


@pytest.fixture
def ours(settings: Settings) -> str:
    """Return the audience of the tokens in these tests."""
    return audience(settings, "tenants")


@pytest.fixture
async def visitor(live: Live, settings: Settings) -> AsyncIterator[Visitor]:
    async with visitor_at(live, settings) as visitor:
        yield visitor


@pytest.fixture
def email() -> str:
    """Return an address without an account."""
    return new_email()


@pytest.fixture
async def user(make: Factories) -> UserRow:
    return await make.user(password=PASSWORD)


@pytest.fixture
async def tenant(make: Factories, user: UserRow) -> TenantRow:
    tenant = await make.tenant(plan="pro")
    await make.member(tenant, role="owner", user=user)
    return tenant
