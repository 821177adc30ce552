from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from redis.asyncio import Redis

from insula.limits import Limits, close, connect
from tests.limits.server import ValkeyServer, valkey_server

PATIENCE = 5.0
"""Generous: these tests are about counting, and the machine may be busy."""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    with valkey_server(tmp_path_factory.mktemp("valkey")) as running:
        yield running


@pytest.fixture
async def redis(server: ValkeyServer) -> AsyncIterator[Redis]:
    client = connect(server.url)
    yield client
    await close(client)


@pytest.fixture
async def worker(redis: Redis) -> AsyncIterator[Callable[[], Limits]]:
    """Make the limits of another process that shares the server."""
    built: list[Limits] = []

    def build() -> Limits:
        built.append(Limits.build(redis, patience=PATIENCE))
        return built[-1]

    yield build
    for limits in built:
        await limits.close()
