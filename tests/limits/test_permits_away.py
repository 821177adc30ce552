"""Permits while Redis is away: each process counts its own, and writes them down when Redis is back."""

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
from tests.limits.test_permits import SOON, key, taken
from tests.support.waiting import until


@pytest.fixture
def own(tmp_path: Path) -> Iterator[ValkeyServer]:
    with valkey_server(tmp_path) as running:
        yield running


@pytest.fixture
async def pair(own: ValkeyServer) -> AsyncIterator[tuple[Limits, Limits]]:
    redis = connect(own.url)
    pair = Limits.build(redis), Limits.build(redis)
    yield pair
    for limits in pair:
        await limits.close()
    await close(redis)


async def test_each_process_counts_its_own(pair: tuple[Limits, Limits], own: ValkeyServer) -> None:
    tenant = new_tenant_id()
    own.kill()

    found = [await limits.acquire_permit(tenant, 2) for limits in pair for _ in range(3)]

    assert [permit is not None for permit in found] == [True, True, False] * 2
    assert all(limits.away for limits in pair)


async def test_permits_acquired_meanwhile_count_for_all_when_redis_is_back(own: ValkeyServer) -> None:
    redis, exports = connect(own.url), key()
    circuit = Circuit(RemoteLedger(redis))
    permits = Permits(RemotePermits(redis), circuit, SOON)
    own.kill()
    assert len(await taken(permits, exports, 2, limit=1)) == 1
    assert circuit.open
    own.start()

    async def counted() -> bool:
        return not circuit.open and await redis.zcard(f"insula:slots:{exports}") == 1

    await until(counted)
    for opened in (permits, circuit):
        await opened.close()
    await close(redis)


async def test_a_frozen_server_holds_nobody_up(pair: tuple[Limits, Limits], own: ValkeyServer) -> None:
    own.freeze()
    async with asyncio.timeout(2):
        found = await asyncio.gather(*(limits.acquire_permit(new_tenant_id(), 1) for limits in pair for _ in range(50)))
    own.thaw()
    assert all(permit is not None for permit in found)
