"""The cache: bounded, dropped by subject, and without values that a change made stale during their load."""

import asyncio
from uuid import UUID

import pytest

from insula.core.ids import new_id
from insula.tenancy.cache import Loaded, SubjectCache
from tests.support.waiting import until

KEY = "key"


class Source:
    """A value that the test changes; reads wait until the test releases them."""

    def __init__(self, subject: UUID, value: str = "first") -> None:
        self.value = value
        self.reads = 0
        self.subject = subject
        self.gate = asyncio.Event()
        self.gate.set()

    async def read(self) -> Loaded[str]:
        self.reads += 1
        value = self.value
        await self.gate.wait()
        return Loaded(value, frozenset({self.subject}))


@pytest.fixture
def subject() -> UUID:
    return new_id()


@pytest.fixture
def source(subject: UUID) -> Source:
    return Source(subject)


@pytest.fixture
def cache() -> SubjectCache[str, str]:
    return SubjectCache(2, 30.0)


async def begun(source: Source, reads: int = 1) -> None:
    await until(lambda: source.reads == reads)


async def load(cache: SubjectCache[str, str], source: Source, key: str = KEY) -> str:
    return cache.get(key) or await cache.load(key, {source.subject}, source.read)


async def test_a_value_is_read_once(cache: SubjectCache[str, str], source: Source) -> None:
    assert [await load(cache, source) for _ in range(3)] == ["first"] * 3
    assert source.reads == 1


async def test_concurrent_misses_share_one_read(cache: SubjectCache[str, str], source: Source) -> None:
    assert await asyncio.gather(*(load(cache, source) for _ in range(20))) == ["first"] * 20
    assert source.reads == 1


async def test_the_cache_is_bounded_and_keeps_used_entries(cache: SubjectCache[str, str], source: Source) -> None:
    for key in ("a", "b"):
        await load(cache, source, key)
    cache.get("a")
    await load(cache, source, "c")

    assert [cache.get(key) is not None for key in "abc"] == [True, False, True]
    assert len(cache) == 2


async def test_if_all_entries_are_used_the_newest_is_kept(cache: SubjectCache[str, str], source: Source) -> None:
    for key in ("a", "b"):
        await load(cache, source, key)
    assert cache.get("a") == cache.get("b") == "first"
    await load(cache, source, "c")

    assert cache.get("c") == "first"
    assert len(cache) == 2


async def test_a_change_drops_only_the_entries_that_depend_on_it(cache: SubjectCache[str, str], source: Source) -> None:
    other = Source(new_id(), "other")
    await load(cache, source, "a")
    await load(cache, other, "b")

    cache.drop(source.subject)

    assert cache.get("a") is None
    assert cache.get("b") == "other"


async def test_a_value_changed_during_its_read_is_not_cached(cache: SubjectCache[str, str], source: Source) -> None:
    source.gate.clear()
    before = asyncio.create_task(load(cache, source))
    await begun(source)
    source.value = "second"
    cache.drop(source.subject)
    after = asyncio.create_task(load(cache, source))
    await begun(source, 2)
    source.gate.set()

    assert (await before, await after) == ("first", "second")
    assert cache.get(KEY) == "second"
    assert source.reads == 2


async def test_a_flush_discards_every_running_read(cache: SubjectCache[str, str], source: Source) -> None:
    source.gate.clear()
    reading = asyncio.create_task(load(cache, source))
    await begun(source)
    cache.flush()
    source.gate.set()
    await reading

    assert cache.get(KEY) is None


async def test_an_unrelated_change_discards_no_read(cache: SubjectCache[str, str], source: Source) -> None:
    source.gate.clear()
    reading = asyncio.create_task(load(cache, source))
    await begun(source)
    cache.drop(new_id())
    source.gate.set()
    await reading

    assert cache.get(KEY) == "first"


async def test_a_cancelled_waiter_does_not_stop_the_others(cache: SubjectCache[str, str], source: Source) -> None:
    source.gate.clear()
    first, second = (asyncio.create_task(load(cache, source)) for _ in range(2))
    await begun(source)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    source.gate.set()

    assert first.cancelled()
    assert await second == "first"
    assert (cache.get(KEY), source.reads) == ("first", 1)


async def test_a_failed_read_fails_for_all_waiters_and_is_not_cached(
    cache: SubjectCache[str, str], source: Source
) -> None:
    async def fail() -> Loaded[str]:
        raise OSError

    attempts = (cache.load(KEY, {source.subject}, fail) for _ in range(3))
    results = await asyncio.gather(*attempts, return_exceptions=True)

    assert [type(result) for result in results] == [OSError] * 3
    assert await load(cache, source) == "first"


async def test_closing_ends_running_reads(cache: SubjectCache[str, str], source: Source) -> None:
    source.gate.clear()
    reading = asyncio.create_task(load(cache, source))
    await begun(source)

    await cache.close()

    assert isinstance((await asyncio.gather(reading, return_exceptions=True))[0], asyncio.CancelledError)


async def test_entries_have_a_maximum_age(source: Source) -> None:
    cache: SubjectCache[str, str] = SubjectCache(2, 0.0)
    await load(cache, source)
    await asyncio.sleep(0.001)

    assert cache.get(KEY) is None
