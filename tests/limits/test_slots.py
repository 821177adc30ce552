"""Slots: so many of a tenant's expensive requests at once, over all processes, whatever becomes of one of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection

import pytest
from redis.asyncio import Redis

from insula.core.ids import new_id
from insula.limits import Slot
from insula.limits.circuit import Circuit
from insula.limits.concurrency.permits import ANEW_EVERY, LASTS, Slots
from insula.limits.concurrency.store import Place, RemotePlaces
from insula.limits.rates.remote import RemoteLedger
from tests.support.waiting import until

PATIENCE = 5.0
NOON = 1_800_000_000.25
SOON = 0.02
Process = Callable[[], Slots]
Move = Callable[[float], Awaitable[None]]


@pytest.fixture
def clock_key() -> str:
    return f"slots-clock:{new_id()}"


@pytest.fixture
async def at(redis: Redis, clock_key: str) -> Move:
    """Set the server's clock to so many seconds after noon."""

    async def move(seconds: float) -> None:
        await redis.set(clock_key, repr(NOON + seconds), ex=600)

    return move


@pytest.fixture
async def process(request: pytest.FixtureRequest, redis: Redis, clock_key: str, at: Move) -> AsyncIterator[Process]:
    """Build the slots of one more process that shares the server and its clock."""
    anew_every = getattr(request, "param", ANEW_EVERY)
    await at(0)
    built: list[tuple[Slots, Circuit]] = []

    def build() -> Slots:
        circuit = Circuit(RemoteLedger(redis), PATIENCE)
        places = RemotePlaces(redis, f"local now = tonumber(redis.call('GET', '{clock_key}'))")
        built.append((Slots(places, circuit, anew_every), circuit))
        return built[-1][0]

    yield build
    for slots, circuit in built:
        await slots.close()
        await circuit.close()


async def taken(slots: Slots, key: str, times: int, limit: int = 2) -> list[Slot]:
    found = [await slots.take(key, limit) for _ in range(times)]
    return [slot for slot in found if slot is not None]


def key() -> str:
    return f"{{{new_id()}}}:exports"


async def test_all_processes_share_the_slots(process: Process) -> None:
    first, second, exports = process(), process(), key()

    held = [*await taken(first, exports, 1), *await taken(second, exports, 1)]

    assert [slot.left for slot in held] == [1, 0]
    assert await taken(first, exports, 1) == await taken(second, exports, 1) == []
    assert len(await taken(second, key(), 3)) == 2


async def test_a_released_slot_is_free_for_every_process(process: Process) -> None:
    first, second, exports = process(), process(), key()
    slot, _ = await taken(first, exports, 2)
    assert await taken(second, exports, 1) == []

    slot.release()
    slot.release()

    async def free() -> bool:
        return len(await taken(second, exports, 1)) == 1

    await until(free)
    assert await taken(first, exports, 1) == await taken(second, exports, 1) == []


async def test_of_many_at_once_as_many_as_there_are_slots_come_in(process: Process) -> None:
    processes, exports = [process() for _ in range(3)], key()

    found = await asyncio.gather(*(slots.take(exports, 4) for slots in processes for _ in range(10)))

    assert sum(slot is not None for slot in found) == 4


async def test_the_slots_of_a_killed_process_come_back(process: Process, at: Move) -> None:
    killed, living, exports = process(), process(), key()
    assert len(await taken(killed, exports, 2)) == 2

    await at(LASTS - 1)
    assert await taken(living, exports, 1) == []
    await at(LASTS + 1)

    assert len(await taken(living, exports, 3)) == 2


async def test_what_runs_long_keeps_its_slot(process: Process, at: Move) -> None:
    long, other, exports = process(), process(), key()
    assert len(await taken(long, exports, 2)) == 2

    for seconds in range(0, 5 * LASTS, LASTS // 2):
        await at(seconds)
        await long.hold_anew()

    assert await taken(other, exports, 1) == []


@pytest.mark.parametrize("process", [SOON], indirect=True)
async def test_it_is_held_anew_by_itself(process: Process, redis: Redis) -> None:
    slots, exports = process(), key()
    [_] = await taken(slots, exports, 1)
    await redis.delete(f"insula:slots:{exports}")

    async def written_down() -> bool:
        return await redis.zcard(f"insula:slots:{exports}") == 1

    await until(written_down)


async def test_after_a_flush_what_runs_is_counted_again(process: Process, redis: Redis) -> None:
    first, second, exports = process(), process(), key()
    assert len(await taken(first, exports, 2)) == 2
    await redis.delete(f"insula:slots:{exports}")
    await redis.script_flush()

    await first.hold_anew()

    assert await taken(second, exports, 1) == []


@pytest.mark.parametrize("jump", [300.0, -300.0])
async def test_when_the_servers_clock_jumps_nobody_stays_refused(process: Process, at: Move, jump: float) -> None:
    gone, slots, exports = process(), process(), key()
    assert len(await taken(gone, exports, 2)) == 2
    assert await taken(slots, exports, 1) == []

    await at(jump)

    assert len(await taken(slots, exports, 3)) == 2


async def test_who_stops_waiting_holds_nothing(process: Process) -> None:
    slots, exports = process(), key()
    waiting = [asyncio.create_task(slots.take(exports, 2)) for _ in range(2)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    assert [type(found) for found in await asyncio.gather(*waiting, return_exceptions=True)] == [
        asyncio.CancelledError
    ] * 2

    async def free() -> bool:
        found = await taken(slots, exports, 2)
        for slot in found:
            slot.release()
        return len(found) == 2

    await until(free)


async def test_a_late_asking_takes_no_slot_for_somebody_who_has_left(redis: Redis) -> None:
    asked, may_ask, exports = asyncio.Event(), asyncio.Event(), key()

    class Late(RemotePlaces):
        async def _hold(self, place: Place, limit: int) -> int:
            asked.set()
            await may_ask.wait()
            return await super()._hold(place, limit)

    circuit = Circuit(RemoteLedger(redis), PATIENCE)
    slots = Slots(Late(redis), circuit)
    waiting = asyncio.create_task(slots.take(exports, 2))
    await asked.wait()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    may_ask.set()
    await slots.close()
    await circuit.close()
    assert await redis.zcard(f"insula:slots:{exports}") == 0


async def test_a_slot_that_is_released_while_it_is_held_anew_is_free(redis: Redis) -> None:
    kept, may_keep, exports = asyncio.Event(), asyncio.Event(), key()

    class Late(RemotePlaces):
        async def _keep(self, places: Collection[Place]) -> None:
            kept.set()
            await may_keep.wait()
            await super()._keep(places)

    circuit = Circuit(RemoteLedger(redis), PATIENCE)
    slots = Slots(Late(redis), circuit)
    [slot] = await taken(slots, exports, 1)
    keeping = asyncio.create_task(slots.hold_anew())
    await kept.wait()
    slot.release()
    may_keep.set()
    await keeping
    await slots.close()
    await circuit.close()
    assert await redis.zcard(f"insula:slots:{exports}") == 0


async def test_nothing_stays_behind_of_what_was_released(process: Process, redis: Redis) -> None:
    slots, exports = process(), key()
    for slot in await taken(slots, exports, 2):
        slot.release()

    async def gone() -> bool:
        return not await redis.exists(f"insula:slots:{exports}")

    await until(gone)
    [_] = await taken(slots, exports, 1)
    assert 0 < await redis.ttl(f"insula:slots:{exports}") <= LASTS + 1


async def test_a_plan_that_grants_none_admits_none(process: Process) -> None:
    assert await taken(process(), key(), 1, limit=0) == []
