"""Small periodic work of every process, safe to run in all of them at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import structlog

from insula.http.kernel import Kernel

_log = structlog.get_logger(__name__)


def every(
    seconds: float, work: Callable[[Kernel], Awaitable[object]]
) -> Callable[[Kernel], AbstractAsyncContextManager[None]]:
    """Return a background that runs ``work`` every ``seconds``; a failure is logged, and the next run tries again."""

    @asynccontextmanager
    async def running(kernel: Kernel) -> AsyncIterator[None]:
        task = asyncio.create_task(_repeat(seconds, work, kernel))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    return running


async def _repeat(seconds: float, work: Callable[[Kernel], Awaitable[object]], kernel: Kernel) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await work(kernel)
        except Exception as error:  # noqa: BLE001 - logged, and the next run tries again
            _log.warning("periodic work failed", work=work.__qualname__, error=repr(error))
