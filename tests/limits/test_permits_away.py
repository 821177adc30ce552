"""Permits while Redis is unavailable: each process counts its own, and stores them when Redis returns."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from insula.core.ids import new_tenant_id
from insula.limits import Limits, close, connect
from insula.limits.circuit import Circuit
from insula.limits.concurrency.permits import Permits
from insula.limits.concurrency.store import RemotePermits
from insula.limits.rates.remote import RemoteLedger
from tests.limits.server import ValkeyServer, valkey_server
from tests.limits.test_permits import SOON, acquired_permits, key
from tests.support.waiting import until


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ValkeyServer]:
    with valkey_server(tmp_path) as running:
        yield running


@pytest.fixture
async def pair(own_server: ValkeyServer) -> AsyncIterator[tuple[Limits, Limits]]:
    redis = connect(own_server.url)
    pair = Limits.build(redis), Limits.build(redis)
    yield pair
    for limits in pair:
        await limits.close()
    await close(redis)


async def test_each_process_counts_its_own(pair: tuple[Limits, Limits], own_server: ValkeyServer) -> None:
    tenant = new_tenant_id()
    own_server.kill()

    found = [await limits.acquire_permit(tenant, 2) for limits in pair for _ in range(3)]

    assert [permit is not None for permit in found] == [True, True, False] * 2
    assert all(limits.away for limits in pair)


async def test_permits_acquired_without_redis_count_for_all_when_it_returns(own_server: ValkeyServer) -> None:
    redis, exports = connect(own_server.url), key()
    circuit = Circuit(RemoteLedger(redis))
    permits = Permits(RemotePermits(redis), circuit, SOON)
    own_server.kill()
    assert len(await acquired_permits(permits, exports, 2, limit=1)) == 1
    assert circuit.open
    own_server.start()

    async def counted() -> bool:
        return not circuit.open and await redis.zcard(f"insula:slots:{exports}") == 1

    await until(counted)
    for opened in (permits, circuit):
        await opened.close()
    await close(redis)


async def test_a_frozen_server_delays_no_caller(pair: tuple[Limits, Limits], own_server: ValkeyServer) -> None:
    own_server.freeze()
    async with asyncio.timeout(2):
        found = await asyncio.gather(*(limits.acquire_permit(new_tenant_id(), 1) for limits in pair for _ in range(50)))
    own_server.thaw()
    assert all(permit is not None for permit in found)
