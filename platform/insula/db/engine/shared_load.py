"""One load at a time, whose outcome is shared by all who wait for it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class SharedLoad(Generic[Value]):
    """Reads something slow once for all who ask while it is being read; they share a failure too.

    No waiter's cancellation stops the load. ``forget`` lets the next caller start another.
    """

    def __init__(self, read: Callable[[], Awaitable[Value]]) -> None:
        self._read = read
        self._current: asyncio.Task[Value] | None = None
        self._running: set[asyncio.Task[Value]] = set()

    async def __call__(self) -> Value:
        """Return what is read, by a load that began before this call or now."""
        if self._current is None:
            self._current = asyncio.ensure_future(self._run())
            self._running.add(self._current)
            self._current.add_done_callback(self._ended)
        return await asyncio.shield(self._current)

    def forget(self) -> None:
        """Share what is being read just now with nobody else: it may be out of date already."""
        self._current = None

    async def close(self) -> None:
        """End the loads that are still running."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _run(self) -> Value:
        return await self._read()

    def _ended(self, task: "asyncio.Task[Value]") -> None:
        self._running.discard(task)
        if self._current is task:
            self._current = None
        if not task.cancelled():
            task.exception()  # its waiters may all have gone; asyncio need not report it again
