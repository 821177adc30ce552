"""Waiting for a condition, never for a time."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from time import monotonic

import httpx

_PAUSE = 0.02


async def until(condition: Callable[[], bool | Awaitable[bool]], seconds: float = 5.0) -> None:
    """Return as soon as ``condition``, of either kind, holds; fail after ``seconds``."""

    async def holds() -> bool:
        found = condition()
        return await found if inspect.isawaitable(found) else bool(found)

    await within(seconds, holds)


async def within(seconds: float, condition: Callable[[], Awaitable[bool]]) -> None:
    """Return as soon as ``condition`` holds; fail after ``seconds``."""
    deadline = monotonic() + seconds
    while not await condition():
        if monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s")
        await asyncio.sleep(_PAUSE)


async def answers(status: int, ask: Callable[[], Awaitable[httpx.Response]], seconds: float = 1) -> None:
    """Return as soon as ``ask`` is answered with ``status``; fail after ``seconds``."""

    async def answered() -> bool:
        return (await ask()).status_code == status

    await within(seconds, answered)
