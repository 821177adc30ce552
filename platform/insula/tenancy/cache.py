"""A bounded cache. Each entry names the subjects that it depends on, and is dropped when one of them changes."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Hashable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar
from uuid import UUID

from insula.core.errors import Unavailable
from insula.db.engine.failures import UNREACHABLE

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
Subject = UUID | str
_MOST_UNKNOWN: Final = 1_000  # the most unknown names that are cached


@dataclass(frozen=True, slots=True)
class Loaded(Generic[Value]):
    """A value and the subjects whose change invalidates it."""

    value: Value
    subjects: frozenset[Subject]


@dataclass(slots=True, eq=False)
class _Load(Generic[Value]):
    task: "asyncio.Task[Value]"
    subjects: frozenset[Subject]
    stale: bool = False  # a subject changed while it read: the waiting callers get its value, and it is not cached


@dataclass(slots=True)
class _Entry(Generic[Value]):
    value: Value
    read_at: float
    subjects: frozenset[Subject] = field(default_factory=frozenset)
    used: bool = False


class SubjectCache(Generic[Key, Value]):
    """At most ``size`` values, each at most ``ttl`` seconds old.

    Evicts by second chance (the clock algorithm): a use marks an entry and moves nothing.

    Concurrent misses of one key share one load; cancelling a waiter does not cancel the load. If a subject changes
    during a load, its value is not cached, and later callers start another load.
    """

    def __init__(self, size: int, ttl: float) -> None:
        self.ttl = ttl
        self._size = size
        self._entries: OrderedDict[Key, _Entry[Value]] = OrderedDict()
        self._keys: dict[Subject, set[Key]] = {}
        self._loads: dict[Key, _Load[Value]] = {}
        self._running: set[_Load[Value]] = set()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> Value | None:
        """Return the value of ``key`` if it is cached and not too old."""
        entry = self._entries.get(key)
        if entry is None or time.monotonic() - entry.read_at > self.ttl:
            return None
        entry.used = True
        return entry.value

    async def load(self, key: Key, watched: Collection[Subject], read: Callable[[], Awaitable[Loaded[Value]]]) -> Value:
        """Return what ``read`` returns; cache it unless one of the ``watched`` subjects changes meanwhile."""
        load = self._loads.get(key)
        if load is None:
            load = self._start(key, frozenset(watched), read)
        return await asyncio.shield(load.task)

    def drop(self, *subjects: Subject) -> None:
        """Drop every entry, and mark every running load, that depends on one of ``subjects``."""
        for subject in subjects:
            for key in tuple(self._keys.get(subject, ())):
                self._remove(key)
        self._mark_stale(lambda load: not load.subjects.isdisjoint(subjects))

    def flush(self) -> None:
        """Drop everything."""
        self._entries.clear()
        self._keys.clear()
        self._mark_stale(lambda _load: True)

    async def close(self) -> None:
        """End the loads that are still running."""
        tasks = [load.task for load in self._running]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(
        self, key: Key, watched: frozenset[Subject], read: Callable[[], Awaitable[Loaded[Value]]]
    ) -> _Load[Value]:
        load: _Load[Value]

        async def run() -> Value:
            read_at = time.monotonic()
            loaded = await read()
            if not load.stale:
                self._store(key, _Entry(loaded.value, read_at, loaded.subjects))
            return loaded.value

        def done(task: "asyncio.Task[Value]") -> None:
            self._running.discard(load)
            if self._loads.get(key) is load:
                del self._loads[key]
            if not task.cancelled():
                task.exception()  # mark the error as retrieved: all waiters may have gone

        load = _Load(asyncio.create_task(run()), watched)
        self._loads[key] = load
        self._running.add(load)
        load.task.add_done_callback(done)
        return load

    def _mark_stale(self, affected: "Callable[[_Load[Value]], bool]") -> None:
        for load in self._running:
            if affected(load):
                load.stale = True
        for key in [key for key, load in self._loads.items() if load.stale]:
            del self._loads[key]

    def _store(self, key: Key, entry: _Entry[Value]) -> None:
        self._remove(key)
        while len(self._entries) >= self._size:  # before adding the new entry, which is unmarked
            self._pass_over_or_remove(next(iter(self._entries)))
        self._entries[key] = entry
        for subject in entry.subjects:
            self._keys.setdefault(subject, set()).add(key)

    def _pass_over_or_remove(self, oldest: Key) -> None:
        entry = self._entries[oldest]
        if entry.used:
            entry.used = False
            self._entries.move_to_end(oldest)
        else:
            self._remove(oldest)

    def _remove(self, key: Key) -> None:
        entry = self._entries.pop(key, None)
        for subject in entry.subjects if entry else ():
            keys = self._keys[subject]
            keys.discard(key)
            if not keys:
                del self._keys[subject]


class LookupCache(Generic[Key, Value]):
    """A cache for names that anybody can make up, with a separate small cache for unknown names.

    So unknown names evict no known ones. Names that are not cached are looked up one at a time: a flood of unknown
    names delays other uncached names, but no other queries. A caller that waits ``patience`` seconds gets
    TimeoutError. If a look-up cannot reach the database, all waiting callers get its error.
    """

    def __init__(self, size: int, ttl: float, patience: float) -> None:
        self._lane = _Lane(patience)
        self._known: SubjectCache[Key, Value] = SubjectCache(size, ttl)
        self._unknown: SubjectCache[Key, bool] = SubjectCache(_MOST_UNKNOWN, ttl)

    def set_ttl(self, seconds: float) -> None:
        """Set how long entries are valid."""
        self._known.ttl = self._unknown.ttl = seconds

    def drop(self, *subjects: Subject) -> None:
        """Drop the entries of these subjects, which have changed."""
        self._known.drop(*subjects)
        self._unknown.drop(*subjects)

    def flush(self) -> None:
        """Drop everything."""
        self._known.flush()
        self._unknown.flush()

    async def close(self) -> None:
        """End the reads that are still running."""
        await self._known.close()
        await self._unknown.close()

    async def find(
        self, key: Key, watched: Collection[Subject], read: Callable[[], Awaitable[Loaded[Value] | None]]
    ) -> Value | None:
        """Return the name's value, or None if it is unknown; a change of a ``watched`` subject may make it known."""
        found = self._known.get(key)
        if found is not None:
            return found
        if self._unknown.get(key):
            return None

        async def one_at_a_time() -> Loaded[Value]:
            loaded = await self._lane.run(read)
            if loaded is None:
                raise _UnknownName
            return loaded

        async def noted() -> Loaded[bool]:
            return Loaded(value=True, subjects=frozenset(watched))

        try:
            return await self._known.load(key, watched, one_at_a_time)
        except _UnknownName:
            await self._unknown.load(key, watched, noted)
            return None


class _Lane:
    """Runs one read at a time. If a read cannot reach the database, it fails for all callers that waited meanwhile."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._lock = asyncio.Lock()
        self._failed: tuple[float, BaseException] | None = None

    async def run(self, read: Callable[[], Awaitable[Value]]) -> Value:
        asked_at = time.monotonic()
        async with asyncio.timeout(self._patience):
            await self._lock.acquire()
        try:
            return await self._read(asked_at, read)
        finally:
            self._lock.release()

    async def _read(self, asked_at: float, read: Callable[[], Awaitable[Value]]) -> Value:
        if self._failed is not None and self._failed[0] >= asked_at:
            raise Unavailable from self._failed[1]
        try:
            return await read()
        except UNREACHABLE as error:
            self._failed = (time.monotonic(), error)
            raise


class _UnknownName(Exception):
    """The name is unknown."""
