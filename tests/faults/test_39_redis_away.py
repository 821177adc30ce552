"""Fault 39: Redis freezes, stops or is flushed: no request waits or fails, and limits recover by themselves."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from insula.core.ids import TenantId, new_tenant_id
from insula.limits import LimitClass, Limits, close, connect
from tests.limits.server import ValkeyServer, valkey_server
from tests.support.limits import admit

RECOVERS_WITHIN = 10.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyServer]:
    with valkey_server(tmp_path) as running:
        yield running


@pytest.fixture
async def redis(server: ValkeyServer) -> AsyncIterator[Redis]:
    client = connect(server.url)
    yield client
    await close(client)


@pytest.fixture
async def limits(redis: Redis) -> AsyncIterator[Limits]:
    built = Limits.build(redis)
    yield built
    await built.close()


@pytest.fixture
async def patient(redis: Redis) -> AsyncIterator[Limits]:
    """Limits that wait long for Redis, for exact counts on a busy machine."""
    built = Limits.build(redis, patience=5)
    yield built
    await built.close()


async def count(limits: Limits, tenant: TenantId, times: int, per_minute: int = 60) -> int:
    verdicts = [await admit(limits, tenant, per_minute, LimitClass.READ) for _ in range(times)]
    return sum(verdict.allowed for verdict in verdicts)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(RECOVERS_WITHIN):
        while not await condition():  # noqa: ASYNC110 (the event is in another process)
            await asyncio.sleep(0.01)


async def until_counting_in_redis(limits: Limits) -> None:
    """Wait until the limits count in Redis again; only a request notices that Redis is away."""

    async def counts_together() -> bool:
        await admit(limits, new_tenant_id(), 60, LimitClass.READ)
        return not limits.away

    await until(counts_together)


async def test_frozen_redis_delays_the_first_requests_briefly_and_fails_none(
    limits: Limits, server: ValkeyServer
) -> None:
    assert await count(limits, new_tenant_id(), 61) == 60
    server.freeze()
    started = time.monotonic()

    verdicts = await asyncio.gather(
        *(admit(limits, new_tenant_id(), 60, LimitClass.READ) for _ in range(200)),
    )
    first_burst = time.monotonic() - started
    later = [await admit(limits, new_tenant_id(), 60, LimitClass.READ) for _ in range(200)]
    all_of_it = time.monotonic() - started

    assert all(verdict.allowed for verdict in [*verdicts, *later])
    assert limits.away
    assert first_burst < 2, "200 at once wait 50 ms together, not one after another"
    assert all_of_it < 4, "no request waits once it is known"
    server.thaw()
    await until_counting_in_redis(limits)


async def test_frozen_redis_does_not_block_the_event_loop(limits: Limits, server: ValkeyServer) -> None:
    server.freeze()
    gaps: list[float] = []

    async def heartbeat() -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0)
            gaps.append(time.monotonic() - before)

    beat = asyncio.create_task(heartbeat())
    assert await count(limits, new_tenant_id(), 60) == 60
    beat.cancel()

    assert len(gaps) > 10
    assert max(gaps) < 0.25, "less than the client's timeout, so nothing blocked the loop"
    server.thaw()


async def test_without_redis_each_process_admits_exactly_the_limit(limits: Limits, server: ValkeyServer) -> None:
    server.kill()
    tenant = new_tenant_id()

    assert await count(limits, tenant, 200) == 60
    assert limits.away
    assert await count(limits, new_tenant_id(), 1) == 1


async def test_without_redis_a_process_spends_its_lease_and_then_counts_alone(
    patient: Limits, server: ValkeyServer
) -> None:
    tenant = new_tenant_id()
    spent_before = await count(patient, tenant, 30)
    server.kill()

    spent_after = await count(patient, tenant, 200)

    assert spent_before == 30
    assert 60 <= spent_after <= 60 + 3


async def test_a_restarted_redis_is_used_again(patient: Limits, redis: Redis, server: ValkeyServer) -> None:
    server.kill()
    assert await count(patient, new_tenant_id(), 1) == 1
    assert patient.away

    server.start()
    await until_counting_in_redis(patient)

    tenant = new_tenant_id()
    assert await count(patient, tenant, 61) == 60
    assert await redis.exists(f"insula:rates:{{{tenant}}}:requests") == 1


async def test_after_a_flush_the_script_is_loaded_again_and_nobody_stays_refused(patient: Limits, redis: Redis) -> None:
    tenant = new_tenant_id()
    assert await count(patient, tenant, 61) == 60
    await redis.flushall()
    await redis.script_flush()

    async def admitted_again() -> bool:
        return await count(patient, tenant, 1) == 1

    await until(admitted_again)
    assert not patient.away
    assert await count(patient, tenant, 200) == 59


async def test_a_lease_from_before_a_flush_changes_no_count_after_it(patient: Limits, redis: Redis) -> None:
    other, tenant = Limits.build(redis, patience=5), new_tenant_id()
    await count(patient, tenant, 15, per_minute=200)
    await redis.flushall()

    assert await count(other, tenant, 150, per_minute=200) == 150
    total = await count(patient, tenant, 200, per_minute=200) + await count(other, tenant, 200, per_minute=200)

    assert 50 <= total <= 50 + 10


async def test_login_attempts_stay_throttled_without_redis(limits: Limits, server: ValkeyServer) -> None:
    server.kill()

    victim = [(await limits.admit_exactly("victim@example.com", 10)).allowed for _ in range(20)]
    another = await limits.admit_exactly("another@example.com", 10)

    assert victim == [True] * 5 + [False] * 15
    assert another.allowed


async def test_a_busy_process_does_not_consider_redis_unavailable(redis: Redis) -> None:
    limits = Limits.build(redis, patience=0.2)
    await admit(limits, new_tenant_id(), 60, LimitClass.READ)
    waiting = [asyncio.create_task(admit(limits, new_tenant_id(), 60, LimitClass.READ)) for _ in range(50)]
    for _ in range(3):
        await asyncio.sleep(0)

    time.sleep(0.5)  # noqa: ASYNC251 (the blocking is what is tested)

    assert all(verdict.allowed for verdict in await asyncio.gather(*waiting))
    assert not limits.away
    await limits.close()
