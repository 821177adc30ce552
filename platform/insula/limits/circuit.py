"""Whether Redis answers: asked in time while it does, left alone but for a probe while it does not.

A question waits at most ``patience``. The first one that waits in vain opens the circuit, and from
then on nobody asks Redis but the probe in the background, until it answers.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog
from redis.exceptions import RedisError

PATIENCE: Final = 0.05
AWAY: Final = (RedisError, OSError, TimeoutError)
_PROBE_PATIENCE: Final = 1.0
_PROBE_PAUSE: Final = 0.5

_LATE: Final = 0.01
"""Woken so much too late, it was this process that was busy, not Redis that was away: wait once more."""

Answer = TypeVar("Answer")
_log = structlog.stdlib.get_logger(__name__)


class Circuit:
    """Shared by all that is asked of one Redis; without one it is always open."""

    def __init__(self, ping: Callable[[], Awaitable[None]] | None, patience: float = PATIENCE) -> None:
        self._ping = ping
        self._patience = patience
        self._probe: asyncio.Task[None] | None = None

    @property
    def open(self) -> bool:
        """Whether this process keeps its own books just now."""
        return self._ping is None or self._probe is not None

    async def attempt(self, answer: asyncio.Future[Answer]) -> Answer:
        """Return the answer. Raises one of ``AWAY`` where there is none in time, and opens the circuit."""
        try:
            return await _in_time(answer, self._patience)
        except AWAY as error:
            self._open(error)
            raise

    async def close(self) -> None:
        """Stop probing."""
        probe = self._probe
        while probe is not None and not probe.done():
            probe.cancel()  # more than once: the client makes an error of its own of one that meets a broken connection
            await asyncio.wait((probe,), timeout=_PROBE_PAUSE)

    def _open(self, error: Exception) -> None:
        if self._probe is None and self._ping is not None:
            _log.warning("limits_redis_away", error=type(error).__name__)
            self._probe = asyncio.create_task(self._wait_until_back(self._ping))

    async def _wait_until_back(self, ping: Callable[[], Awaitable[None]]) -> None:
        while not await _answers(ping):  # noqa: ASYNC110 (the event is in another process)
            await asyncio.sleep(_PROBE_PAUSE)
        self._probe = None
        _log.info("limits_redis_back")


async def _answers(ping: Callable[[], Awaitable[None]]) -> bool:
    try:
        async with asyncio.timeout(_PROBE_PATIENCE):
            await ping()
    except AWAY:
        return False
    return True


async def _in_time(answer: asyncio.Future[Answer], patience: float) -> Answer:
    """Await the answer itself: who is told by a callback that it is there would wait for one turn of the loop more."""
    loop = asyncio.get_running_loop()
    due = loop.time() + patience
    timer: asyncio.TimerHandle

    def give_up() -> None:
        nonlocal timer
        if loop.time() > due + _LATE:
            timer = loop.call_later(patience, answer.cancel)
        else:
            answer.cancel()

    timer = loop.call_at(due, give_up)
    try:
        return await answer
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise TimeoutError from None
    finally:
        answer.cancel()
        timer.cancel()
