"""Properties of the limits with classes, keys, skewed clocks, lost connections and lost data, in any order."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from insula.core.ids import new_id
from insula.limits import KeyRate, LimitClass
from insula.limits.rates import leases
from insula.limits.rates.classes import ceiling_of
from insula.limits.rates.leases import largest_lease
from insula.limits.rates.ledger import WINDOW
from tests.limits.cable import Cable
from tests.limits.installation import READ, WORKERS, Installation, installation
from tests.limits.server import ValkeyServer
from tests.support.waiting import until

PROPERTY: Final = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SLOW_PROPERTY: Final = settings(PROPERTY, max_examples=12)
KEYS: Final = (None, 0, 1)
KEY_PART: Final = 3  # a key gets a third of the limit
CLASSES: Final = (READ, LimitClass.WRITE, LimitClass.EXPORT)

workers = st.integers(0, WORKERS - 1)
limits = st.sampled_from([1, 7, 60, 200])
pauses = st.one_of(
    st.floats(min_value=0, max_value=45, allow_nan=False), st.sampled_from([0.2, 9.9, 10.0, 49.2, 59.2, 60.0, 61.0])
)
times = st.integers(1, 80)


@pytest.fixture(scope="module", autouse=True)
def renewed_at_once() -> Iterator[None]:
    """Renew leases at once, between the steps, instead of collecting renewals."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leases, "_GATHERING_SECONDS", 0)
        yield


@PROPERTY
@given(
    steps=st.lists(
        st.tuples(pauses, workers, times, st.sampled_from(CLASSES), st.sampled_from(KEYS)), min_size=1, max_size=20
    ),
    limit=limits,
)
def test_no_window_holds_more_than_any_limit_that_applies(
    server: ValkeyServer, steps: Sequence[tuple[float, int, int, LimitClass, int | None]], limit: int
) -> None:
    rate = max(1, limit // KEY_PART)

    async def scenario() -> None:
        keys = [KeyRate(new_id(), rate) for _ in range(2)]
        async with installation(server.url) as shared:
            for pause, worker, count, limit_class, key in steps:
                await shared.wait(pause)
                await shared.request(worker, count, limit, limit_class, None if key is None else keys[key])
            assert shared.admitted
            assert shared.busiest_window() <= limit
            for limit_class in (LimitClass.WRITE, LimitClass.EXPORT):
                assert shared.busiest_window(limit_class) <= (ceiling_of(limit, limit_class, None) or 0)
            for key_rate in keys:
                assert shared.busiest_window(key_id=key_rate.key_id) <= rate

    asyncio.run(scenario())


@PROPERTY
@given(
    steps=st.lists(
        st.tuples(workers, st.integers(1, 30), st.sampled_from(CLASSES), st.sampled_from(KEYS)), max_size=15
    ),
    limit=limits,
)
def test_a_process_gets_the_limit_minus_the_leases_of_others(
    server: ValkeyServer, steps: Sequence[tuple[int, int, LimitClass, int | None]], limit: int
) -> None:
    async def scenario() -> None:
        keys = [KeyRate(new_id(), max(1, limit // KEY_PART)) for _ in range(2)]
        async with installation(server.url) as shared:
            for worker, count, limit_class, key in steps:
                await shared.request(worker, count, limit, limit_class, None if key is None else keys[key])
            await shared.request(0, limit, limit)
            assert limit - (WORKERS - 1) * largest_lease(limit) <= len(shared.admitted) <= limit

    asyncio.run(scenario())


@PROPERTY
@given(asks=st.lists(st.tuples(workers, st.integers(1, 30)), max_size=15), limit=limits)
def test_a_process_gets_the_ceiling_minus_the_leases_of_others(
    server: ValkeyServer, asks: Sequence[tuple[int, int]], limit: int
) -> None:
    ceiling = ceiling_of(limit, LimitClass.WRITE, None) or 0

    async def scenario() -> None:
        async with installation(server.url) as shared:
            for worker, count in asks:
                await shared.request(worker, count, limit, LimitClass.WRITE)
            await shared.request(0, limit, limit, LimitClass.WRITE)
            assert ceiling - (WORKERS - 1) * largest_lease(ceiling) <= len(shared.admitted) <= ceiling

    asyncio.run(scenario())


@PROPERTY
@given(steps=st.lists(st.tuples(pauses, workers, times, st.floats(-400, 400)), min_size=1, max_size=20), limit=limits)
def test_processes_whose_clocks_jump_exceed_the_limit_by_at_most_one_lease_each(
    server: ValkeyServer, steps: Sequence[tuple[float, int, int, float]], limit: int
) -> None:
    async def scenario() -> None:
        async with installation(server.url) as shared:
            for pause, worker, count, skew in steps:
                await shared.wait(pause)
                await shared.request(worker, count, limit, skew=skew)
            assert shared.busiest_window() <= limit + WORKERS * largest_lease(limit)
            await nobody_stays_refused(shared, limit)

    asyncio.run(scenario())


@asynccontextmanager
async def disconnectable(server: ValkeyServer) -> AsyncIterator[tuple[Installation, Cable]]:
    async with (
        Cable.to(urlsplit(server.url).port or 0) as cable,
        installation(server.url, f"redis://127.0.0.1:{cable.port}/0") as shared,
    ):
        yield shared, cable


async def nobody_stays_refused(shared: Installation, limit: int) -> None:
    await shared.wait(2 * WINDOW + 1)
    for worker in range(WORKERS):
        assert await shared.request(worker, 1, max(limit, WORKERS)) == 1


async def all_connected(shared: Installation) -> None:
    await until(lambda: not any(worker.away for worker in shared.workers))


@SLOW_PROPERTY
@given(
    before=st.lists(st.tuples(pauses, workers, times), max_size=6),
    meanwhile=st.lists(st.tuples(pauses, workers, times), min_size=1, max_size=8),
    after=st.lists(st.tuples(pauses, workers, times), max_size=6),
    limit=limits,
)
def test_without_redis_each_process_admits_at_most_the_limit(
    server: ValkeyServer,
    before: Sequence[tuple[float, int, int]],
    meanwhile: Sequence[tuple[float, int, int]],
    after: Sequence[tuple[float, int, int]],
    limit: int,
) -> None:
    async def scenario() -> None:
        async with disconnectable(server) as (shared, cable):
            await ask_all(shared, before, limit)
            assert shared.busiest_window() <= limit
            cable.cut()
            await ask_all(shared, meanwhile, limit)
            cable.mend()
            await all_connected(shared)
            await ask_all(shared, after, limit)
            assert shared.busiest_window() <= (WORKERS + 1) * limit
            await nobody_stays_refused(shared, limit)

    asyncio.run(scenario())


@SLOW_PROPERTY
@given(asks=st.lists(workers, min_size=1, max_size=12), limit=limits)
def test_without_redis_a_tenant_within_its_limit_is_never_refused(
    server: ValkeyServer, asks: Sequence[int], limit: int
) -> None:
    async def scenario() -> None:
        async with disconnectable(server) as (shared, cable):
            cable.cut()
            for worker in asks[:limit]:
                assert await shared.request(worker, 1, limit) == 1
            for worker in range(WORKERS):
                mine = sum(one.worker == worker for one in shared.admitted)
                assert await shared.request(worker, 2 * limit, limit) == limit - mine

    asyncio.run(scenario())


@PROPERTY
@given(
    steps=st.lists(st.tuples(pauses, workers, times, st.booleans()), min_size=1, max_size=15),
    limit=limits,
)
def test_each_flush_admits_at_most_the_limit_again(
    server: ValkeyServer, steps: Sequence[tuple[float, int, int, bool]], limit: int
) -> None:
    async def scenario() -> None:
        async with installation(server.url) as shared:
            emptied = 0
            for pause, worker, count, empty in steps:
                if empty:
                    emptied += 1
                    await shared.redis.flushall()
                await shared.wait(pause)
                await shared.request(worker, count, limit)
            assert shared.busiest_window() <= (emptied + 1) * limit
            await nobody_stays_refused(shared, limit)

    asyncio.run(scenario())


async def ask_all(shared: Installation, steps: Sequence[tuple[float, int, int]], limit: int) -> None:
    for pause, worker, count in steps:
        await shared.wait(pause)
        await shared.request(worker, count, limit)
