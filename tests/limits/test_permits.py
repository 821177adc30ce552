"""Permits bound a tenant's expensive requests at once, over all processes, even if a process dies."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection

import pytest
from redis.asyncio import Redis

from insula.core.ids import new_id
from insula.limits import Permit
from insula.limits.circuit import Circuit
from insula.limits.concurrency.permits import RENEW_EVERY, TTL_SECONDS, Permits
from insula.limits.concurrency.store import RemotePermits, StoredPermit
from insula.limits.rates.remote import RemoteLedger
from tests.support.waiting import until

PATIENCE = 5.0
NOON = 1_800_000_000.25
SOON = 0.02
Process = Callable[[], Permits]
Move = Callable[[float], Awaitable[None]]


@pytest.fixture
def clock_key() -> str:
    return f"slots-clock:{new_id()}"


@pytest.fixture
async def at(redis: Redis, clock_key: str) -> Move:
    """Set the server's clock to a number of seconds after noon."""

    async def move(seconds: float) -> None:
        await redis.set(clock_key, repr(NOON + seconds), ex=600)

    return move


@pytest.fixture
async def process(request: pytest.FixtureRequest, redis: Redis, clock_key: str, at: Move) -> AsyncIterator[Process]:
    """Make the permits of another process that shares the server and its clock."""
    renew_every = getattr(request, "param", RENEW_EVERY)
    await at(0)
    built: list[tuple[Permits, Circuit]] = []

    def build() -> Permits:
        circuit = Circuit(RemoteLedger(redis), PATIENCE)
        store = RemotePermits(redis, f"local now = tonumber(redis.call('GET', '{clock_key}'))")
        built.append((Permits(store, circuit, renew_every), circuit))
        return built[-1][0]

    yield build
    for permits, circuit in built:
        await permits.close()
        await circuit.close()


async def acquired_permits(permits: Permits, key: str, times: int, limit: int = 2) -> list[Permit]:
    found = [await permits.acquire(key, limit) for _ in range(times)]
    return [permit for permit in found if permit is not None]


def key() -> str:
    return f"{{{new_id()}}}:exports"


async def test_all_processes_share_the_permits(process: Process) -> None:
    first, second, exports = process(), process(), key()

    held = [*await acquired_permits(first, exports, 1), *await acquired_permits(second, exports, 1)]

    assert [permit.left for permit in held] == [1, 0]
    assert await acquired_permits(first, exports, 1) == await acquired_permits(second, exports, 1) == []
    assert len(await acquired_permits(second, key(), 3)) == 2


async def test_a_released_permit_is_free_for_every_process(process: Process) -> None:
    first, second, exports = process(), process(), key()
    permit, _ = await acquired_permits(first, exports, 2)
    assert await acquired_permits(second, exports, 1) == []

    permit.release()
    permit.release()

    async def free() -> bool:
        return len(await acquired_permits(second, exports, 1)) == 1

    await until(free)
    assert await acquired_permits(first, exports, 1) == await acquired_permits(second, exports, 1) == []


async def test_concurrent_callers_get_exactly_the_limit_of_permits(process: Process) -> None:
    processes, exports = [process() for _ in range(3)], key()

    found = await asyncio.gather(*(permits.acquire(exports, 4) for permits in processes for _ in range(10)))

    assert sum(permit is not None for permit in found) == 4


async def test_the_permits_of_a_killed_process_expire(process: Process, at: Move) -> None:
    killed, living, exports = process(), process(), key()
    assert len(await acquired_permits(killed, exports, 2)) == 2

    await at(TTL_SECONDS - 1)
    assert await acquired_permits(living, exports, 1) == []
    await at(TTL_SECONDS + 1)

    assert len(await acquired_permits(living, exports, 3)) == 2


async def test_a_long_request_keeps_its_permit(process: Process, at: Move) -> None:
    long, other, exports = process(), process(), key()
    assert len(await acquired_permits(long, exports, 2)) == 2

    for seconds in range(0, 5 * TTL_SECONDS, TTL_SECONDS // 2):
        await at(seconds)
        await long.renew()

    assert await acquired_permits(other, exports, 1) == []


@pytest.mark.parametrize("process", [SOON], indirect=True)
async def test_permits_are_renewed_in_the_background(process: Process, redis: Redis) -> None:
    permits, exports = process(), key()
    [_] = await acquired_permits(permits, exports, 1)
    await redis.delete(f"insula:slots:{exports}")

    async def stored() -> bool:
        return await redis.zcard(f"insula:slots:{exports}") == 1

    await until(stored)


async def test_after_a_flush_running_requests_are_counted_again(process: Process, redis: Redis) -> None:
    first, second, exports = process(), process(), key()
    assert len(await acquired_permits(first, exports, 2)) == 2
    await redis.delete(f"insula:slots:{exports}")
    await redis.script_flush()

    await first.renew()

    assert await acquired_permits(second, exports, 1) == []


@pytest.mark.parametrize("jump", [300.0, -300.0])
async def test_permits_expire_though_the_servers_clock_jumps(process: Process, at: Move, jump: float) -> None:
    gone, permits, exports = process(), process(), key()
    assert len(await acquired_permits(gone, exports, 2)) == 2
    assert await acquired_permits(permits, exports, 1) == []

    await at(jump)

    assert len(await acquired_permits(permits, exports, 3)) == 2


async def test_a_cancelled_caller_holds_no_permit(process: Process) -> None:
    permits, exports = process(), key()
    waiting = [asyncio.create_task(permits.acquire(exports, 2)) for _ in range(2)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    assert [type(found) for found in await asyncio.gather(*waiting, return_exceptions=True)] == [
        asyncio.CancelledError
    ] * 2

    async def free() -> bool:
        found = await acquired_permits(permits, exports, 2)
        for permit in found:
            permit.release()
        return len(found) == 2

    await until(free)


async def test_a_late_request_stores_no_permit_for_a_cancelled_caller(redis: Redis) -> None:
    requested, may_continue, exports = asyncio.Event(), asyncio.Event(), key()

    class Late(RemotePermits):
        async def _hold(self, permit: StoredPermit, limit: int) -> int:
            requested.set()
            await may_continue.wait()
            return await super()._hold(permit, limit)

    circuit = Circuit(RemoteLedger(redis), PATIENCE)
    permits = Permits(Late(redis), circuit)
    waiting = asyncio.create_task(permits.acquire(exports, 2))
    await requested.wait()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    may_continue.set()
    await permits.close()
    await circuit.close()
    assert await redis.zcard(f"insula:slots:{exports}") == 0


async def test_a_permit_released_while_it_is_renewed_is_free(redis: Redis) -> None:
    kept, may_keep, exports = asyncio.Event(), asyncio.Event(), key()

    class Late(RemotePermits):
        async def _renew(self, permits: Collection[StoredPermit]) -> None:
            kept.set()
            await may_keep.wait()
            await super()._renew(permits)

    circuit = Circuit(RemoteLedger(redis), PATIENCE)
    permits = Permits(Late(redis), circuit)
    [permit] = await acquired_permits(permits, exports, 1)
    keeping = asyncio.create_task(permits.renew())
    await kept.wait()
    permit.release()
    may_keep.set()
    await keeping
    await permits.close()
    await circuit.close()
    assert await redis.zcard(f"insula:slots:{exports}") == 0


async def test_releasing_leaves_no_key_behind(process: Process, redis: Redis) -> None:
    permits, exports = process(), key()
    for permit in await acquired_permits(permits, exports, 2):
        permit.release()

    async def gone() -> bool:
        return not await redis.exists(f"insula:slots:{exports}")

    await until(gone)
    [_] = await acquired_permits(permits, exports, 1)
    assert 0 < await redis.ttl(f"insula:slots:{exports}") <= TTL_SECONDS + 1


async def test_a_plan_without_permits_admits_none(process: Process) -> None:
    assert await acquired_permits(process(), key(), 1, limit=0) == []
