"""The identity side of the kernel on this worker's database, without an app around it."""

from collections.abc import AsyncIterator

import pytest

from insula.auth import KeyRing, Sessions, TokenIssuer, TokenVerifier
from insula.db.pools import Database
from insula.settings import Settings
from tests.support.tokens import Forge


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    database = await Database.open(settings)
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
