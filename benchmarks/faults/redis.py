"""Freezes, kills, restarts and flushes Redis under load; measures failures, added wait, over-admission and recovery."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import httpx
from redis.asyncio import Redis

from benchmarks.faults.table import Bar, Cell, Table
from benchmarks.faults.testbed import Testbed
from benchmarks.faults.traffic import Flow, Traffic, most_within, percentile
from insula.limits.rates.ledger import WINDOW
from tests.limits.server import ValkeyServer

CALM_TENANTS: Final = 20
CALM_PER_SECOND: Final = 60.0
LIMIT: Final = 60
LIMITED_PER_SECOND: Final = 5.0
ADDED_P99_MS: Final = 100.0
_PLENTY: Final = 1_000_000
_OK, _REFUSED = 200, 429
_PATIENCE: Final = 30.0
_POLL: Final = 0.01


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds of each part."""

    around: float
    frozen: float
    killed: float
    moment: float  # the shortest time to measure, for faults that end at once


LONG: Final = Pace(around=15, frozen=60, killed=30, moment=5)
SHORT: Final = Pace(around=3, frozen=3, killed=3, moment=2)


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of Redis, which ends after ``seconds``."""

    name: str
    begin: Callable[[ValkeyServer], None]
    end: Callable[[ValkeyServer], None]
    seconds: float
    is_unavailable: bool = True
    loses_data: bool = True

    def bound(self, processes: int) -> int:
        """Return how many times the limit may be admitted in a window, by decision 8."""
        return 1 + processes * self.is_unavailable + self.loses_data


async def measure(testbed: Testbed, pace: Pace) -> Table:
    """Run every fault once, with one tenant at its limit and many below theirs."""
    faults = (
        Fault(f"frozen {pace.frozen:g} s", ValkeyServer.freeze, ValkeyServer.thaw, pace.frozen, loses_data=False),
        Fault(f"killed {pace.killed:g} s", ValkeyServer.kill, ValkeyServer.start, pace.killed),
        Fault("restarted", _restart, _nothing, 0),
        Fault("flushed", ValkeyServer.flush, _nothing, 0, is_unavailable=False),
    )
    calm = Flow("calm", CALM_PER_SECOND, [await testbed.key(_PLENTY) for _ in range(CALM_TENANTS)])
    rows = []
    async with testbed.clients() as clients:
        for fault in faults:
            limited = Flow("limited", LIMITED_PER_SECOND, [await testbed.key(LIMIT)])
            rows.append(await _run_fault(testbed.valkey, clients, fault, pace, (calm, limited)))
    title = (
        f"{len(testbed.addresses)} processes, {CALM_PER_SECOND:g} requests a second of {CALM_TENANTS} tenants, "
        f"{LIMITED_PER_SECOND:g} of one that may make {LIMIT} a minute."
    )
    return Table(title, rows, (Bar("failed", 0), Bar("added p99 ms", ADDED_P99_MS), Bar("over-admission", "bound")))


async def _run_fault(
    valkey: ValkeyServer, clients: Sequence[httpx.AsyncClient], fault: Fault, pace: Pace, flows: Sequence[Flow]
) -> Mapping[str, Cell]:
    traffic = Traffic(clients)
    async with traffic.sending(*flows):
        await asyncio.sleep(pace.around)
        begun = traffic.now()
        await asyncio.to_thread(fault.begin, valkey)
        await asyncio.sleep(fault.seconds)
        await asyncio.to_thread(fault.end, valkey)
        ended = traffic.now()
        recovery = await _recovered(valkey, clients) - ended
        await asyncio.sleep(max(0.0, begun + pace.moment - traffic.now()))
        back = traffic.now()
        await asyncio.sleep(pace.around)
        over = traffic.now()
    # The first second warms the cache of a new tenant; it is not an effect of Redis.
    calm = {
        "before": traffic.between("calm", begun - pace.around + 1, begun),
        "during": traffic.between("calm", begun, back),
        "after": traffic.between("calm", back, over),
    }
    bad = [
        sample
        for sample in traffic.samples
        if sample.status != _OK and (sample.flow, sample.status) != ("limited", _REFUSED)
    ]
    admitted = [sample for sample in traffic.samples if sample.flow == "limited" and sample.status == _OK]
    return {
        "fault": fault.name,
        "requests": len(traffic.samples),
        "failed": len(bad),
        **{f"p50 {name} ms": round(percentile(samples, 50), 1) for name, samples in calm.items()},
        **{f"p99 {name} ms": round(percentile(samples, 99), 1) for name, samples in calm.items()},
        "added p99 ms": round(max(0.0, percentile(calm["during"], 99) - percentile(calm["before"], 99)), 1),
        "longest ms": round(max((sample.seconds for sample in calm["during"]), default=float("nan")) * 1000, 1),
        "over-admission": round(most_within(admitted, WINDOW) / LIMIT, 2),
        "bound": fault.bound(len(clients)),
        "recovery s": round(recovery, 2),
    }


async def _recovered(valkey: ValkeyServer, clients: Sequence[httpx.AsyncClient]) -> float:
    """Return the time at which every process sees Redis and counts limits in it again."""
    scripts = Redis.from_url(valkey.url)
    begun = await _loans(scripts)
    async with asyncio.timeout(_PATIENCE):
        while await _loans(scripts) < begun + len(clients) or not all([await _ready(client) for client in clients]):  # noqa: ASYNC110  # it happens in other processes
            await asyncio.sleep(_POLL)
    await scripts.aclose()
    return Traffic.now()


async def _loans(redis: Redis) -> int:
    stats: Mapping[str, Mapping[str, int]] = await redis.info("commandstats")
    return sum(stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("eval", "evalsha"))


async def _ready(client: httpx.AsyncClient) -> bool:
    return bool((await client.get("/readyz")).json()["status"] == "ready")


def _restart(valkey: ValkeyServer) -> None:
    valkey.kill()
    valkey.start()


def _nothing(valkey: ValkeyServer) -> None:
    """Do nothing: the fault has ended by itself."""
