"""Measures the p99 of other tenants, with and without one tenant that sends 20 times its limit, in turns."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

import httpx

from benchmarks.faults.table import Bar, Cell, Table
from benchmarks.faults.testbed import Testbed
from benchmarks.faults.traffic import Flow, Sample, Traffic, percentile

NEIGHBOURS: Final = 10
NEIGHBOURS_PER_SECOND: Final = 50.0
LIMIT: Final = 600
TIMES: Final = 20
MOST: Final = 2.0
_PLENTY: Final = 1_000_000
_REFUSED: Final = 429


@dataclass(frozen=True, slots=True)
class Pace:
    """How often each case is measured, and for how many seconds."""

    rounds: int
    seconds: float


LONG: Final = Pace(rounds=5, seconds=8)
SHORT: Final = Pace(rounds=2, seconds=3)


async def measure(testbed: Testbed, pace: Pace) -> Table:
    """Measure other tenants beside a tenant that reads too much, and beside one that writes too much."""
    neighbours = Flow("neighbours", NEIGHBOURS_PER_SECOND, [await testbed.key(_PLENTY) for _ in range(NEIGHBOURS)])
    rows: list[dict[str, Cell]] = []
    async with testbed.clients() as clients:
        for method in ("GET", "POST"):
            noisy = Flow("noisy", LIMIT / 60 * TIMES, [await testbed.key(LIMIT)], method)
            rows.append(await _beside(clients, neighbours, noisy, pace))
    title = (
        f"{NEIGHBOURS} neighbours with {NEIGHBOURS_PER_SECOND:g} requests a second beside one tenant that may make "
        f"{LIMIT} a minute and makes {TIMES} times as many; one process, medians of {pace.rounds} rounds in turns."
    )
    return Table(title, rows, (Bar("neighbours failed", 0), Bar("p99 ratio", MOST)))


async def _beside(clients: Sequence[httpx.AsyncClient], neighbours: Flow, noisy: Flow, pace: Pace) -> dict[str, Cell]:
    calm: list[list[Sample]] = []
    beside: list[list[Sample]] = []
    noise: list[Sample] = []
    await _burst(clients, 1.0, neighbours)
    for _ in range(pace.rounds):
        calm.append(await _burst(clients, pace.seconds, neighbours))
        both = await _burst(clients, pace.seconds, neighbours, noisy)
        beside.append([sample for sample in both if sample.flow == neighbours.name])
        noise += [sample for sample in both if sample.flow == noisy.name]
    failed = sum(sample.status != 200 for samples in [*calm, *beside] for sample in samples)  # noqa: PLR2004  # as HTTP says it
    return {
        "noise": f"{noisy.method}, {noisy.per_second:g}/s",
        "noisy requests": len(noise),
        "noisy refused": sum(sample.status == _REFUSED for sample in noise),
        "neighbours' requests": sum(map(len, [*calm, *beside])),
        "neighbours failed": failed,
        **{f"p50 {name} ms": _median(samples, 50) for name, samples in (("alone", calm), ("beside", beside))},
        **{f"p99 {name} ms": _median(samples, 99) for name, samples in (("alone", calm), ("beside", beside))},
        "p99 ratio": round(median(percentile(b, 99) / percentile(a, 99) for a, b in zip(calm, beside, strict=True)), 2),
    }


async def _burst(clients: Sequence[httpx.AsyncClient], seconds: float, *flows: Flow) -> list[Sample]:
    traffic = Traffic(clients)
    async with traffic.sending(*flows):
        await asyncio.sleep(seconds)
    return traffic.samples


def _median(bursts: Sequence[Sequence[Sample]], share: int) -> float:
    return round(median(percentile(samples, share) for samples in bursts), 1)
