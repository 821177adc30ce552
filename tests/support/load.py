"""Load: callers that each repeat requests, and the responses."""

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
# Shorter than the server's timeout, so that the server does not close the connection during a request.
CONNECTIONS = httpx.Limits(keepalive_expiry=1.0)
_PAUSE = 0.005  # between a caller's requests: the load is many callers, not as many requests as possible


class Sample(NamedTuple):
    """One request: its caller, time, duration and status, which is 0 without a response."""

    caller: str
    began: float
    seconds: float
    status: int


class Load:
    """The responses, in order."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.failures: list[str] = []

    @asynccontextmanager
    async def of(self, callers: Mapping[str, Ask] | Iterable[tuple[str, Ask]]) -> AsyncIterator[None]:
        """Run the callers during the block; two may share a name. Each ends after its current request."""
        named = callers.items() if isinstance(callers, Mapping) else callers
        ended = asyncio.Event()
        tasks = [asyncio.create_task(self._repeat(name, ask, ended)) for name, ask in named]
        try:
            yield
        finally:
            ended.set()
            await asyncio.gather(*tasks)

    async def more(self, count: int, status: int | None = None, seconds: float = 15.0) -> None:
        """Wait for ``count`` more responses, with ``status`` if given."""
        begun = len(self.samples)

        def enough() -> bool:
            return sum(status in (None, sample.status) for sample in self.samples[begun:]) >= count

        await until(enough, seconds)

    def statuses(self, caller: str = "", since: float = 0.0) -> Counter[int]:
        """Count the statuses of callers whose name starts with ``caller``."""
        return Counter(
            sample.status for sample in self.samples if sample.caller.startswith(caller) and sample.began >= since
        )

    async def _repeat(self, name: str, ask: Ask, ended: asyncio.Event) -> None:
        while not ended.is_set():
            began = monotonic()
            try:
                status = (await ask()).status_code
            except httpx.TransportError as error:
                status = NO_ANSWER
                self.failures.append(repr(error))
            self.samples.append(Sample(name, began, monotonic() - began, status))
            await asyncio.sleep(_PAUSE)
