"""Fault 39, over HTTP: Redis freezes, stops or is flushed under load; no request fails, waits or stays refused.

``make bench-redis`` runs longer and measures.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from insula.core.settings import Settings
from tests.limits.server import ValkeyServer, valkey_server
from tests.support.app import PASSWORD, serving
from tests.support.factories import Factories
from tests.support.load import CONNECTIONS, Load
from tests.support.waiting import answers, until

PATH = "/api/v1/racks"
PLENTY, FEW = 100_000, 60
CALLERS = 8
LONGEST = 2.0  # the longest request on a busy machine: far less than the outage


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    directory: Path = tmp_path_factory.mktemp("valkey")
    with valkey_server(directory) as running:
        yield running
        running.thaw()


@pytest.fixture(scope="module")
def address(settings: Settings, server: ValkeyServer) -> Iterator[str]:
    with serving(settings.model_copy(update={"redis_url": server.url}), 0, INSULA_LOG_LEVEL="ERROR") as address:
        yield address


class Callers:
    """Members of tenants, each with an API key."""

    def __init__(self, client: httpx.AsyncClient, keys: Mapping[str, Mapping[str, str]]) -> None:
        self.client, self.keys = client, keys

    async def send_read(self, name: str) -> httpx.Response:
        """Send a read as this caller."""
        return await self.client.get(PATH, headers=dict(self.keys[name]))

    async def status(self) -> str:
        """Return the status that /readyz reports."""
        return str((await self.client.get("/readyz")).json()["status"])

    async def until_ready(self, status: str = "ready") -> None:
        """Wait for this status."""

        async def has_status() -> bool:
            return await self.status() == status

        await until(has_status, 10)


@pytest.fixture
async def callers(address: str, make: Factories) -> AsyncIterator[Callers]:
    keys = {}
    for number in range(CALLERS):
        tenant = await make.tenant(entitlements={"requests_per_minute": PLENTY, "racks": 1})
        keys[f"caller {number}"] = (await make.api_key(tenant, "rack:read")).headers
    limited = await make.tenant(entitlements={"requests_per_minute": FEW, "racks": 1})
    keys["limited"] = (await make.api_key(limited, "rack:read")).headers
    async with httpx.AsyncClient(base_url=address, timeout=20, limits=CONNECTIONS) as client:
        yield Callers(client, keys)


async def _refused(callers: Callers) -> int:
    """Send requests as the tenant with the low limit until one is refused; return the number before it."""
    admitted = 0
    while (await callers.send_read("limited")).status_code == 200:
        admitted += 1
    return admitted


async def test_no_request_fails_waits_or_stays_refused(callers: Callers, server: ValkeyServer) -> None:
    load = Load()
    asking = [(name, lambda name=name: callers.send_read(name)) for name in callers.keys if name != "limited"]
    async with load.of(asking):
        await load.more(50)
        assert await _refused(callers) == FEW

        server.freeze()
        await load.more(100)
        await callers.until_ready("degraded")
        server.thaw()
        await callers.until_ready()
        await load.more(50)

        server.kill()
        await load.more(100)
        await callers.until_ready("degraded")
        assert (await callers.send_read("limited")).status_code in {200, 429}
        server.start()
        await callers.until_ready()
        await load.more(50)
        await answers(200, lambda: callers.send_read("limited"), 10)  # its use was lost with Redis

        admitted = await _refused(callers)
        assert admitted <= FEW
        server.flush()
        await answers(200, lambda: callers.send_read("limited"), 10)
        await load.more(50)

    assert set(load.statuses()) == {200}
    assert max(sample.seconds for sample in load.samples) < LONGEST
    assert server.keys() >= 1, "the limits are counted in Redis again"


async def test_login_works_without_redis_and_stays_throttled(
    callers: Callers, server: ValkeyServer, make: Factories
) -> None:
    user = await make.user(password=PASSWORD)
    right = {"email": user.email, "password": PASSWORD, "resource": "http://127.0.0.1:8000/api"}
    wrong = {**right, "email": "nobody@example.com", "password": "wrong"}
    server.freeze()
    try:
        assert (await callers.client.post("/auth/login", json=right)).status_code == 200
        tried = [(await callers.client.post("/auth/login", json=wrong)).status_code for _ in range(12)]
    finally:
        server.thaw()

    assert set(tried) == {401, 429}
    await callers.until_ready()
