"""A slow read that runs once at a time and shares its outcome with every waiter."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class SharedLoad(Generic[Value]):
    """Runs a slow read once for all callers that arrive while it runs; they also share its failure.

    Cancelling a waiter does not stop the load. After ``forget`` the next caller starts a new one.
    """

    def __init__(self, read: Callable[[], Awaitable[Value]]) -> None:
        self._read = read
        self._current: asyncio.Task[Value] | None = None
        self._running: set[asyncio.Task[Value]] = set()

    async def __call__(self) -> Value:
        """Return the value, from the running load or a new one."""
        if self._current is None:
            self._current = asyncio.ensure_future(self._run())
            self._running.add(self._current)
            self._current.add_done_callback(self._ended)
        return await asyncio.shield(self._current)

    def forget(self) -> None:
        """Do not share the running load with later callers: its value may already be out of date."""
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
            task.exception()  # marks it as retrieved: if all waiters are gone, asyncio would report it
