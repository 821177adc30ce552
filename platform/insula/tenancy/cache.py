"""A bounded cache whose entries name the subjects that they depend on, and are dropped with them."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from uuid import UUID

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
Subject = UUID | str


@dataclass(frozen=True, slots=True)
class Loaded(Generic[Value]):
    """A value and the subjects whose change makes it untrue."""

    value: Value
    subjects: frozenset[Subject]


@dataclass(slots=True, eq=False)
class _Load(Generic[Value]):
    task: "asyncio.Task[Value]"
    subjects: frozenset[Subject]
    outrun: bool = False  # something changed while it read: its value answers who waited, and is not kept


@dataclass(slots=True)
class _Entry(Generic[Value]):
    value: Value
    read_at: float
    subjects: frozenset[Subject] = field(default_factory=frozenset)


class SubjectCache(Generic[Key, Value]):
    """Least recently used of ``size`` values, each at most ``ttl`` seconds old.

    Misses of one key at one time share one load, which no waiter's cancellation stops. A load that
    a change outran is not stored, and who asks after the change starts another.
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
        """Return the value of ``key`` if it is here and young enough."""
        entry = self._entries.get(key)
        if entry is None or time.monotonic() - entry.read_at > self.ttl:
            return None
        self._entries.move_to_end(key)
        return entry.value

    async def load(self, key: Key, watched: Collection[Subject], read: Callable[[], Awaitable[Loaded[Value]]]) -> Value:
        """Return what ``read`` finds, kept unless one of the ``watched`` subjects changes meanwhile."""
        load = self._loads.get(key)
        if load is None:
            load = self._start(key, frozenset(watched), read)
        return await asyncio.shield(load.task)

    def drop(self, *subjects: Subject) -> None:
        """Forget whatever depends on one of ``subjects``, also what is being read just now."""
        for subject in subjects:
            for key in tuple(self._keys.get(subject, ())):
                self._remove(key)
        self._outrun(lambda load: not load.subjects.isdisjoint(subjects))

    def flush(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._keys.clear()
        self._outrun(lambda _load: True)

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
            if not load.outrun:
                self._store(key, _Entry(loaded.value, read_at, loaded.subjects))
            return loaded.value

        def done(task: "asyncio.Task[Value]") -> None:
            self._running.discard(load)
            if self._loads.get(key) is load:
                del self._loads[key]
            if not task.cancelled():
                task.exception()  # its waiters may all have gone; asyncio need not report it again

        load = _Load(asyncio.create_task(run()), watched)
        self._loads[key] = load
        self._running.add(load)
        load.task.add_done_callback(done)
        return load

    def _outrun(self, affected: "Callable[[_Load[Value]], bool]") -> None:
        for load in self._running:
            if affected(load):
                load.outrun = True
        for key in [key for key, load in self._loads.items() if load.outrun]:
            del self._loads[key]

    def _store(self, key: Key, entry: _Entry[Value]) -> None:
        self._remove(key)
        self._entries[key] = entry
        for subject in entry.subjects:
            self._keys.setdefault(subject, set()).add(key)
        while len(self._entries) > self._size:
            self._remove(next(iter(self._entries)))

    def _remove(self, key: Key) -> None:
        entry = self._entries.pop(key, None)
        for subject in entry.subjects if entry else ():
            keys = self._keys[subject]
            keys.discard(key)
            if not keys:
                del self._keys[subject]
