"""Sends requests at a fixed rate: each when it is due, without waiting for earlier ones."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count
from statistics import quantiles
from typing import NamedTuple

import httpx

NO_ANSWER = 0
_FEWEST = 2


class Sample(NamedTuple):
    """One request: its flow, when it was due, the seconds until its answer, and the status, or 0 without an answer."""

    flow: str
    due: float
    seconds: float
    status: int


class Flow(NamedTuple):
    """Requests of several callers, in turn."""

    name: str
    per_second: float
    keys: Sequence[Mapping[str, str]]
    method: str = "GET"


class Traffic:
    """Sends requests to the processes in turn, and records the answers."""

    def __init__(self, clients: Sequence[httpx.AsyncClient]) -> None:
        self._clients = clients
        self.samples: list[Sample] = []

    @staticmethod
    def now() -> float:
        """Return the time, by the clock of ``Sample``."""
        return asyncio.get_running_loop().time()

    @asynccontextmanager
    async def sending(self, *flows: Flow) -> AsyncIterator[None]:
        """Send the requests of these flows during the block, and wait for their answers at the end."""
        ended = asyncio.Event()
        senders = [asyncio.create_task(self._send(flow, ended)) for flow in flows]
        try:
            yield
        finally:
            ended.set()
            await asyncio.gather(*senders)

    def between(self, flow: str, start: float, end: float) -> list[Sample]:
        """Return the requests that were due in this interval."""
        return [sample for sample in self.samples if sample.flow == flow and start <= sample.due < end]

    async def _send(self, flow: Flow, ended: asyncio.Event) -> None:
        due = self.now()
        async with asyncio.TaskGroup() as group:
            for number in count():
                if ended.is_set():
                    return
                group.create_task(self._send_one(flow, number, due))
                due += 1 / flow.per_second
                await asyncio.sleep(max(0.0, due - self.now()))

    async def _send_one(self, flow: Flow, number: int, due: float) -> None:
        client = self._clients[number % len(self._clients)]
        headers = dict(flow.keys[number // len(self._clients) % len(flow.keys)])
        body = {"name": f"rack {number}"} if flow.method == "POST" else None
        try:
            status = (await client.request(flow.method, "/api/v1/racks", headers=headers, json=body)).status_code
        except httpx.TransportError:
            status = NO_ANSWER
        self.samples.append(Sample(flow.name, due, self.now() - due, status))


def percentile(samples: Sequence[Sample], share: int) -> float:
    """Return this percentile of the latencies, in milliseconds."""
    if len(samples) < _FEWEST:
        return float("nan")
    return quantiles([sample.seconds * 1000 for sample in samples], n=100, method="inclusive")[share - 1]


def most_within(samples: Sequence[Sample], seconds: float) -> int:
    """Return the largest number of samples that were due within any window of ``seconds``."""
    dues, most, first = sorted(sample.due for sample in samples), 0, 0
    for last, due in enumerate(dues):
        while dues[first] <= due - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most
