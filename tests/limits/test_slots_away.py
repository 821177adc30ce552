"""Slots while Redis is away: each process bounds its own, and tells when it is back."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from insula.core.ids import new_tenant_id
from insula.limits import Limits, close, connect
from insula.limits.circuit import Circuit
from insula.limits.concurrency.permits import Slots
from insula.limits.concurrency.store import RemotePlaces
from insula.limits.rates.remote import RemoteLedger
from tests.limits.server import ValkeyServer, valkey_server
from tests.limits.test_slots import SOON, key, taken
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


async def test_each_process_bounds_its_own(pair: tuple[Limits, Limits], own: ValkeyServer) -> None:
    tenant = new_tenant_id()
    own.kill()

    found = [await limits.enter(tenant, 2) for limits in pair for _ in range(3)]

    assert [slot is not None for slot in found] == [True, True, False] * 2
    assert all(limits.away for limits in pair)


async def test_what_began_meanwhile_counts_for_all_when_it_is_back(own: ValkeyServer) -> None:
    redis, exports = connect(own.url), key()
    circuit = Circuit(RemoteLedger(redis))
    slots = Slots(RemotePlaces(redis), circuit, SOON)
    own.kill()
    assert len(await taken(slots, exports, 2, limit=1)) == 1
    assert circuit.open
    own.start()

    async def counted() -> bool:
        return not circuit.open and await redis.zcard(f"insula:slots:{exports}") == 1

    await until(counted)
    for opened in (slots, circuit):
        await opened.close()
    await close(redis)


async def test_a_frozen_server_holds_nobody_up(pair: tuple[Limits, Limits], own: ValkeyServer) -> None:
    own.freeze()
    async with asyncio.timeout(2):
        found = await asyncio.gather(*(limits.enter(new_tenant_id(), 1) for limits in pair for _ in range(50)))
    own.thaw()
    assert all(slot is not None for slot in found)
