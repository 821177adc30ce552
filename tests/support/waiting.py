"""Waits for conditions, never for a fixed time."""

import inspect
from collections.abc import Awaitable, Callable

import anyio
import httpx

_OFTEN, _SELDOM = 0.005, 0.05


async def until(condition: Callable[[], bool | Awaitable[bool]], seconds: float = 30.0) -> None:
    """Return as soon as ``condition`` holds; fail after ``seconds``. The interval grows after a while."""
    begun = anyio.current_time()
    with anyio.fail_after(seconds):
        while not await _holds(condition):  # noqa: ASYNC110 - what is waited for is in another process
            await anyio.sleep(min(_SELDOM, _OFTEN + (anyio.current_time() - begun) / 20))


async def within(seconds: float, condition: Callable[[], Awaitable[bool]]) -> None:
    """Return as soon as ``condition`` holds; fail after ``seconds``."""
    await until(condition, seconds)


async def answers(status: int, ask: Callable[[], Awaitable[httpx.Response]], seconds: float = 1) -> None:
    """Return as soon as the response to ``ask`` has ``status``; fail after ``seconds``."""

    async def answered() -> bool:
        return (await ask()).status_code == status

    await until(answered, seconds)


async def _holds(condition: Callable[[], bool | Awaitable[bool]]) -> bool:
    found = condition()
    return await found if inspect.isawaitable(found) else bool(found)
