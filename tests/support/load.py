"""Load: callers who each ask again as soon as they are answered, and what they were answered."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from time import monotonic
from typing import NamedTuple

import httpx

from tests.support.waiting import until

Ask = Callable[[], Awaitable[httpx.Response]]
NO_ANSWER = 0
# Given up before the server does, which would meet a request that is on its way.
CONNECTIONS = httpx.Limits(keepalive_expiry=1.0)
_PAUSE = 0.005  # of a caller between two requests: many callers, not the most that the machine can do


class Sample(NamedTuple):
    """One request: who asked, when, for how long, and the status that came; 0 when none did."""

    caller: str
    began: float
    seconds: float
    status: int


class Load:
    """What was answered, in order."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.failures: list[str] = []

    @asynccontextmanager
    async def of(self, callers: Mapping[str, Ask] | Iterable[tuple[str, Ask]]) -> AsyncIterator[None]:
        """Let the callers ask meanwhile; two may have one name. Each ends with the request that it waits for."""
        named = callers.items() if isinstance(callers, Mapping) else callers
        ended = asyncio.Event()
        tasks = [asyncio.create_task(self._go_on(name, ask, ended)) for name, ask in named]
        try:
            yield
        finally:
            ended.set()
            await asyncio.gather(*tasks)

    async def more(self, count: int, status: int | None = None, seconds: float = 15.0) -> None:
        """Return when so many requests more were answered, with ``status`` if that is given."""
        begun = len(self.samples)

        def enough() -> bool:
            return sum(status in (None, sample.status) for sample in self.samples[begun:]) >= count

        await until(enough, seconds)

    def statuses(self, caller: str = "", since: float = 0.0) -> Counter[int]:
        """Count the statuses of callers whose name begins so."""
        return Counter(
            sample.status for sample in self.samples if sample.caller.startswith(caller) and sample.began >= since
        )

    async def _go_on(self, name: str, ask: Ask, ended: asyncio.Event) -> None:
        while not ended.is_set():
            began = monotonic()
            try:
                status = (await ask()).status_code
            except httpx.TransportError as error:
                status = NO_ANSWER
                self.failures.append(repr(error))
            self.samples.append(Sample(name, began, monotonic() - began, status))
            await asyncio.sleep(_PAUSE)
