"""Redis frozen, killed, started again and flushed under load: failed requests, added wait, over-admission, recovery."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import httpx
from redis.asyncio import Redis

from benchmarks.faults.stage import Stage
from benchmarks.faults.table import Bar, Cell, Table
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
    moment: float  # at least, for faults that end at once


LONG: Final = Pace(around=15, frozen=60, killed=30, moment=5)
SHORT: Final = Pace(around=3, frozen=3, killed=3, moment=2)


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of Redis, and its end, so many seconds later."""

    name: str
    begin: Callable[[ValkeyServer], None]
    end: Callable[[ValkeyServer], None]
    seconds: float
    is_away: bool = True
    forgets: bool = True

    def bound(self, processes: int) -> int:
        """Return how many times the limit may be admitted in a window, by decision 8."""
        return 1 + processes * self.is_away + self.forgets


async def measure(stage: Stage, pace: Pace) -> Table:
    """Run every fault once, with one tenant at its limit and many below theirs."""
    faults = (
        Fault(f"frozen {pace.frozen:g} s", ValkeyServer.freeze, ValkeyServer.thaw, pace.frozen, forgets=False),
        Fault(f"killed {pace.killed:g} s", ValkeyServer.kill, ValkeyServer.start, pace.killed),
        Fault("restarted", _restart, _nothing, 0),
        Fault("flushed", ValkeyServer.flush, _nothing, 0, is_away=False),
    )
    calm = Flow("calm", CALM_PER_SECOND, [await stage.key(_PLENTY) for _ in range(CALM_TENANTS)])
    rows = []
    async with stage.clients() as clients:
        for fault in faults:
            limited = Flow("limited", LIMITED_PER_SECOND, [await stage.key(LIMIT)])
            rows.append(await _suffer(stage.valkey, clients, fault, pace, (calm, limited)))
    title = (
        f"{len(stage.addresses)} processes, {CALM_PER_SECOND:g} requests a second of {CALM_TENANTS} tenants, "
        f"{LIMITED_PER_SECOND:g} of one that may make {LIMIT} a minute."
    )
    return Table(title, rows, (Bar("failed", 0), Bar("added p99 ms", ADDED_P99_MS), Bar("over-admission", "bound")))


async def _suffer(
    valkey: ValkeyServer, clients: Sequence[httpx.AsyncClient], fault: Fault, pace: Pace, flows: Sequence[Flow]
) -> Mapping[str, Cell]:
    traffic = Traffic(clients)
    async with traffic.flowing(*flows):
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
    bad = [shot for shot in traffic.shots if shot.status != _OK and (shot.flow, shot.status) != ("limited", _REFUSED)]
    admitted = [shot for shot in traffic.shots if shot.flow == "limited" and shot.status == _OK]
    return {
        "fault": fault.name,
        "requests": len(traffic.shots),
        "failed": len(bad),
        **{f"p50 {name} ms": round(percentile(shots, 50), 1) for name, shots in calm.items()},
        **{f"p99 {name} ms": round(percentile(shots, 99), 1) for name, shots in calm.items()},
        "added p99 ms": round(max(0.0, percentile(calm["during"], 99) - percentile(calm["before"], 99)), 1),
        "longest ms": round(max((shot.seconds for shot in calm["during"]), default=float("nan")) * 1000, 1),
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
    told: Mapping[str, Mapping[str, int]] = await redis.info("commandstats")
    return sum(told.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("eval", "evalsha"))


async def _ready(client: httpx.AsyncClient) -> bool:
    return bool((await client.get("/readyz")).json()["status"] == "ready")


def _restart(valkey: ValkeyServer) -> None:
    valkey.kill()
    valkey.start()


def _nothing(valkey: ValkeyServer) -> None:
    """Do nothing: the fault is over already."""
