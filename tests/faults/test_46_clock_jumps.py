"""Fault 46: the clock of a process or of Redis jumps: no window exceeds the limit, and no refusal lasts."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from insula.core import clock
from insula.core.ids import TenantId, new_tenant_id
from insula.limits import LimitClass, Limits, close, connect
from insula.limits.rates.failover import FailoverLedger
from insula.limits.rates.local import LocalLedger
from insula.limits.rates.remote import RemoteLedger
from tests.limits.server import ValkeyServer, valkey_server
from tests.support.limits import admit

PATIENCE = 5.0
JUMP = timedelta(minutes=5)
SERVER_TIME = "local now = tonumber(redis.call('GET', 'test-clock'))"
NOON = 1_800_000_000.5


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyServer]:
    with valkey_server(tmp_path) as running:
        yield running


async def count(limits: Limits, tenant: TenantId, times: int) -> int:
    verdicts = [await admit(limits, tenant, 60, LimitClass.READ) for _ in range(times)]
    return sum(verdict.allowed for verdict in verdicts)


@asynccontextmanager
async def two_processes(server: ValkeyServer) -> AsyncIterator[tuple[Limits, Limits]]:
    redis = connect(server.url)
    pair = Limits.build(redis, PATIENCE), Limits.build(redis, PATIENCE)
    try:
        yield pair
    finally:
        for limits in pair:
            await limits.close()
        await close(redis)


@pytest.mark.parametrize("jump", [JUMP, -JUMP])
async def test_a_process_whose_clock_jumps_admits_exactly_the_limit(server: ValkeyServer, jump: timedelta) -> None:
    tenant = new_tenant_id()
    async with two_processes(server) as (jumping, steady):
        assert await count(jumping, tenant, 10) == 10
        assert await count(steady, tenant, 10) == 10
        with clock.moved(jump):
            assert await count(jumping, tenant, 10) == 10
        assert await count(steady, tenant, 10) == 10

        with clock.moved(jump):
            rest = await count(jumping, tenant, 100)
        rest += await count(steady, tenant, 100)

        assert rest == 20


async def test_a_refusal_from_before_the_clock_went_back_expires(server: ValkeyServer) -> None:
    tenant = new_tenant_id()
    async with two_processes(server) as (limits, _):
        with clock.moved(JUMP):
            assert await count(limits, tenant, 61) == 60

        verdict = await admit(limits, tenant, 60, LimitClass.READ)

    assert not verdict.allowed
    assert verdict.retry_after <= 61


@pytest.mark.parametrize("jump", [JUMP, -JUMP])
async def test_when_the_clock_of_redis_jumps_nobody_stays_refused(server: ValkeyServer, jump: timedelta) -> None:
    redis, tenant = connect(server.url), new_tenant_id()
    limits = Limits(FailoverLedger(RemoteLedger(redis, SERVER_TIME), LocalLedger(), PATIENCE))
    await redis.set("test-clock", str(NOON))
    assert await count(limits, tenant, 61) == 60

    await redis.set("test-clock", str(NOON + jump.total_seconds()))
    with clock.moved(timedelta(seconds=1.1)):
        after = await count(limits, tenant, 100)

    assert after == 60
    await limits.close()
    await close(redis)


async def test_without_redis_a_clock_that_went_back_refuses_nobody_for_long() -> None:
    limits, tenant = Limits.build(None), new_tenant_id()
    assert await count(limits, tenant, 61) == 60

    with clock.moved(-JUMP):
        assert await count(limits, tenant, 100) == 60
