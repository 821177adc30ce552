from collections.abc import AsyncIterator

import httpx
import pytest

from insula.db.pools import Database
from insula.settings import Settings
from tests.support.apps import DECLARED
from tests.support.provider import Provider, first_secret


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """Open the pools of a process, without the app."""
    database = await Database.open(settings, DECLARED.web_roles)
    yield database
    await database.close()


@pytest.fixture
def provider(client: httpx.AsyncClient, settings: Settings) -> Provider:
    return Provider(client, first_secret(settings))
