import httpx
import pytest

from tests.isolation.world import World, build
from tests.support.app import SignIn
from tests.support.dns import NameServer
from tests.support.factories import Factories


@pytest.fixture
async def world(client: httpx.AsyncClient, make: Factories, sign_in: SignIn, dns_server: NameServer) -> World:
    return await build(client, make, sign_in, dns_server)
