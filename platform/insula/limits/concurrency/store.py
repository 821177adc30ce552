"""Where it is written down, for all processes, who holds a slot."""

import asyncio
from collections.abc import Collection
from typing import Final, NamedTuple

from redis.asyncio import Redis

from insula.limits.script import HOLD, SERVER_CLOCK

_PREFIX: Final = "insula:slots:"
_ANEW: Final = 0
_CLOSING_SECONDS: Final = 1.0
_AT_ONCE: Final = 8
"""Connections that asking for slots may take up; a frozen server would have them all otherwise."""


class Place(NamedTuple):
    """A slot of one key, and for how many seconds it is held unless it is held anew."""

    key: str
    slot: str
    seconds: int


class RemotePlaces:
    """In Redis: a sorted set per key, of slots by the time at which they end.

    ``clock`` is the Lua that sets ``now``; tests put a clock of their own there.
    """

    def __init__(self, redis: Redis, clock: str = SERVER_CLOCK) -> None:
        self._redis = redis
        self._script = redis.register_script(clock + HOLD)
        self._asking: dict[Place, asyncio.Task[int]] = {}
        self._lanes = asyncio.Semaphore(_AT_ONCE)
        self._keeping: asyncio.Task[None] | None = None

    def take(self, place: Place, limit: int) -> asyncio.Future[int]:
        """Hold the slot if fewer than ``limit`` are held; give how many more may be, or -1 for a refusal.

        Who stops waiting for the answer does not stop the asking.
        """
        task = asyncio.create_task(self._hold(place, limit))
        self._asking[place] = task
        task.add_done_callback(lambda _: self._asking.pop(place))
        return asyncio.shield(task)

    async def keep(self, places: Collection[Place]) -> None:
        """Hold the slots anew, whatever became of them: what they are held for is still going on."""
        self._keeping = asyncio.create_task(self._keep(places))
        try:
            await self._keeping
        finally:
            self._keeping = None

    async def settled(self, place: Place) -> None:
        """Wait until nothing is under way that could still write the slot down."""
        under_way = {task for task in (self._asking.get(place), self._keeping) if task is not None}
        if under_way:
            await asyncio.wait(under_way)

    async def leave(self, place: Place) -> None:
        """Let go of the slot."""
        await self._redis.zrem(_PREFIX + place.key, place.slot)

    async def close(self) -> None:
        """Wait briefly for what is under way."""
        if self._asking:
            await asyncio.wait(self._asking.values(), timeout=_CLOSING_SECONDS)
        for task in self._asking.values():
            task.cancel()

    async def _hold(self, place: Place, limit: int) -> int:
        key, slot, seconds = place
        async with self._lanes:
            left: int = await self._script(keys=[_PREFIX + key], args=[slot, seconds, limit])
        return left

    async def _keep(self, places: Collection[Place]) -> None:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for key, slot, seconds in places:
                await self._script(keys=[_PREFIX + key], args=[slot, seconds, _ANEW], client=pipeline)
            await pipeline.execute()
