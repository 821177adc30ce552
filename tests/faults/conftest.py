"""Each module tests one numbered fault that the system must survive; several modules may test the same one."""

import httpx
import pytest

from insula.core.settings import Settings
from tests.support.provider import Provider, first_secret


@pytest.fixture
def provider(client: httpx.AsyncClient, settings: Settings) -> Provider:
    return Provider(client, first_secret(settings))
