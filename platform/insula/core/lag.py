"""Measures how late this process's event loop runs, and provides time limits that do not count that lateness.

A loop that is busy for 300 ms reads an answer 300 ms late, even if the server took 1 ms. A plain timer
would blame the server. Use ``time.monotonic`` here: uvloop's ``loop.time()`` does not advance within one
turn of the loop.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

PERIOD: Final = 0.1
LATE: Final = 0.1
"""Seconds of lag from which the loop itself may be the cause of a missed time limit."""
_KEPT: Final = 30.0
_STEPS: Final = 20


class _Tick(NamedTuple):
    at: float
    lag: float


class LagMeter:
    """A timer that measures, ten times a second, how late it fires; it adds no work to requests."""

    def __init__(self, observe: Callable[[float], None] | None = None, period: float = PERIOD) -> None:
        self._observe = observe
        self._period = period
        self._ticks: deque[_Tick] = deque(maxlen=int(_KEPT / period))
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Measure the running loop until ``stop``."""
        self._arm()

    def stop(self) -> None:
        """Stop measuring."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def worst(self, within: float) -> float:
        """Return the largest lag, in seconds, of the last ``within`` seconds (30 are kept)."""
        now = time.monotonic()
        overdue = now - self._due if self._timer is not None else 0.0  # the loop is late now, and has not ticked yet
        return max(0.0, overdue, *(tick.lag for tick in self._ticks if tick.at >= now - within))

    def _arm(self) -> None:
        self._due = time.monotonic() + self._period
        self._timer = asyncio.get_running_loop().call_later(self._period, self._tick)

    def _tick(self) -> None:
        now = time.monotonic()
        lag = max(0.0, now - self._due)
        self._ticks.append(_Tick(now, lag))
        if self._observe is not None:
            self._observe(lag)
        self._arm()


@asynccontextmanager
async def timeout(seconds: float) -> AsyncIterator[None]:
    """Raise ``TimeoutError`` after ``seconds``, but not before the loop has turned 20 times.

    An answer that has arrived needs a few turns of the loop to be read and passed on. If turns are
    short this behaves like ``asyncio.timeout``. If each takes longer than a twentieth of the limit,
    because the loop is busy, the limit grows with them: it bounds the other side's time, not this
    process's own lag.
    """
    loop = asyncio.get_running_loop()
    step, left = seconds / _STEPS, _STEPS
    timer: asyncio.TimerHandle
    async with asyncio.timeout(None) as limit:

        def pass_time() -> None:
            nonlocal left, timer
            left -= 1
            if left:
                timer = loop.call_later(step, pass_time)
            else:
                limit.reschedule(loop.time())

        timer = loop.call_later(step, pass_time)
        try:
            yield
        finally:
            timer.cancel()
