"""The permits of all processes, in Redis."""

import asyncio
from collections.abc import Collection
from typing import Final, NamedTuple

from redis.asyncio import Redis

from insula.limits.script import HOLD, SERVER_CLOCK

_PREFIX: Final = "insula:slots:"
_NO_LIMIT: Final = 0
_CLOSING_SECONDS: Final = 1.0
_AT_ONCE: Final = 8
"""The most connections that acquiring may use; while the server hangs, it would use them all otherwise."""


class StoredPermit(NamedTuple):
    """A permit of one key, and its time to live in seconds."""

    key: str
    id: str
    ttl: int


class RemotePermits:
    """A sorted set in Redis for each key: permits by the time at which they expire.

    ``clock`` is Lua code that sets ``now``; tests pass a clock of their own.
    """

    def __init__(self, redis: Redis, clock: str = SERVER_CLOCK) -> None:
        self._redis = redis
        self._script = redis.register_script(clock + HOLD)
        self._acquiring: dict[StoredPermit, asyncio.Task[int]] = {}
        self._lanes = asyncio.Semaphore(_AT_ONCE)
        self._renewing: asyncio.Task[None] | None = None

    def acquire(self, permit: StoredPermit, limit: int) -> asyncio.Future[int]:
        """Store the permit if fewer than ``limit`` are held; return how many are left, or -1 for a refusal.

        Cancelling the returned future does not cancel the request.
        """
        task = asyncio.create_task(self._hold(permit, limit))
        self._acquiring[permit] = task
        task.add_done_callback(lambda _: self._acquiring.pop(permit))
        return asyncio.shield(task)

    async def renew(self, permits: Collection[StoredPermit]) -> None:
        """Store the permits again, even those that Redis lost: their requests still run."""
        self._renewing = asyncio.create_task(self._renew(permits))
        try:
            await self._renewing
        finally:
            self._renewing = None

    async def wait_for_writes(self, permit: StoredPermit) -> None:
        """Wait until no message under way can still store the permit."""
        under_way = {task for task in (self._acquiring.get(permit), self._renewing) if task is not None}
        if under_way:
            await asyncio.wait(under_way)

    async def release(self, permit: StoredPermit) -> None:
        """Remove the permit."""
        await self._redis.zrem(_PREFIX + permit.key, permit.id)

    async def close(self) -> None:
        """Wait briefly for the requests under way."""
        if self._acquiring:
            await asyncio.wait(self._acquiring.values(), timeout=_CLOSING_SECONDS)
        for task in self._acquiring.values():
            task.cancel()

    async def _hold(self, permit: StoredPermit, limit: int) -> int:
        key, permit_id, ttl = permit
        async with self._lanes:
            left: int = await self._script(keys=[_PREFIX + key], args=[permit_id, ttl, limit])
        return left

    async def _renew(self, permits: Collection[StoredPermit]) -> None:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for key, permit_id, ttl in permits:
                await self._script(keys=[_PREFIX + key], args=[permit_id, ttl, _NO_LIMIT], client=pipeline)
            await pipeline.execute()
