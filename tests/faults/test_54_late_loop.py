"""Fault 54: a process with a late event loop does not consider its dependencies silent."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from insula.core.ids import new_tenant_id
from insula.limits import Health, LimitClass, Limits, close, connect
from tests.limits.server import ValkeyServer, valkey_server
from tests.support.limits import admit
from tests.support.waiting import until

LIMIT = 60
READ = LimitClass.READ
PATIENCE = 0.05


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyServer]:
    with valkey_server(tmp_path) as running:
        yield running
        running.thaw()


@pytest.fixture
async def redis(server: ValkeyServer) -> AsyncIterator[Redis]:
    client = connect(server.url)
    yield client
    await close(client)


@asynccontextmanager
async def busy(seconds: float) -> AsyncIterator[None]:
    """Make each turn of the loop take ``seconds``."""
    loop, over = asyncio.get_running_loop(), False

    def work() -> None:
        time.sleep(seconds)
        if not over:
            loop.call_soon(work)

    loop.call_soon(work)
    yield
    over = True


@pytest.mark.parametrize("turn", [0.02, 0.08])
async def test_an_overloaded_process_counts_in_redis(redis: Redis, turn: float) -> None:
    limits, tenant = Limits.build(redis, PATIENCE), new_tenant_id()
    with capture_logs() as logs:
        async with busy(turn):
            verdicts = await asyncio.gather(*(admit(limits, tenant, LIMIT, READ) for _ in range(2 * LIMIT)))
            permit = await limits.acquire_permit(tenant, 1)
            health = await limits.check_redis()

    assert sum(verdict.allowed for verdict in verdicts) == LIMIT
    assert health is Health.OK
    assert logs == []
    assert permit is not None
    assert await redis.zcard(f"insula:slots:{{{tenant}}}:exports") == 1
    await limits.close()


async def test_an_overloaded_process_still_notices_that_redis_is_silent(redis: Redis, server: ValkeyServer) -> None:
    limits = Limits.build(redis, PATIENCE)
    assert (await admit(limits, new_tenant_id(), LIMIT, READ)).allowed
    server.freeze()
    async with busy(0.02):
        verdicts = await asyncio.gather(*(admit(limits, new_tenant_id(), LIMIT, READ) for _ in range(20)))
    assert all(verdict.allowed for verdict in verdicts)
    assert limits.away
    server.thaw()
    await until(lambda: not limits.away)
    await limits.close()
