"""Breaks each dependency in each way under load; counts answered, refused and late requests; times the recovery."""

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import Final, NamedTuple

import httpx

from admin.database import ADMIN
from benchmarks.faults.environment import PROCESSES, Environment, MailProbe
from benchmarks.faults.mixed_load import BY_NAME, KINDS, MixedLoad, RequestSpec, Sample, create_callers
from benchmarks.faults.table import Bar, Cell, Table
from benchmarks.faults.traffic import NO_ANSWER
from insula.db.engine.roles import GATE, IDENTITY, WORKER, OtherAppRole
from insula.limits import Health
from tenants.database import TENANTS
from tests.support.faulty import Fault, Faulty, Only, Wire, of_role

COLUMNS: Final = ("dependency", "fault", "requests", "answered", "refused", "past_deadline", "recovery_s")
"""The columns of ``build/faults.json`` that others may rely on."""

RECOVERY_S: Final = 2.0
PATIENCE: Final = 20.0
"""How long to wait for a recovery; then the processes are restarted for the next faults."""

_KEYS_A_CASE: Final = 100
_PROBE_EVERY: Final = 0.05
_PROBE_SECONDS: Final = 2.0
_DRIP_SECONDS: Final = 0.2
_DELAY_SECONDS: Final = 0.1
_LISTENER: Final = "insula-listener"

Probe = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Pace:
    """How many seconds each fault lasts, and how high the load is."""

    silent: float = 10.0
    """For freeze, swallow and drip: longer than a request may wait that needs one pool."""
    silent_at_all: float = 22.0
    """The same for all of PostgreSQL: longer than any request may wait."""
    short: float = 4.0
    around: float = 1.0
    times: float = 1.0
    """The factor for the request rates of the kinds."""


LONG: Final = Pace(times=50 / 23)
SHORT: Final = Pace(silent=3.0, silent_at_all=3.0, short=2.0)


class Case(NamedTuple):
    """One fault of one dependency."""

    dependency: str
    fault: str
    seconds: float
    begin: Callable[[], None]
    end: Callable[[], None]
    needs: Sequence[str]
    """The kinds of requests, or names of other probes, that need the dependency and have to succeed again."""

    @property
    def name(self) -> str:
        """Its name for ``--only``."""
        return f"{self.dependency}:{self.fault}"


def _is_listener(wire: Wire) -> bool:
    return wire.application == _LISTENER


_ROLES: Final[Mapping[str, tuple[Only, Sequence[str]]]] = {
    "tenants": (of_role(TENANTS), ("read", "write")),
    "identity": (of_role(IDENTITY), ("logout", "login")),
    "gate": (lambda wire: wire.user == GATE and not _is_listener(wire), ("key",)),
    "admin": (of_role(ADMIN), ("staff",)),
    "billing": (of_role(OtherAppRole("insula_billing")), ("billing",)),
    "worker": (of_role(WORKER), ("mail",)),
    "listener": (_is_listener, ("listener",)),
}
_DATABASE: Final = ("read", "write", "logout", "key", "staff", "billing", "listener", "mail")


def cases(env: Environment, pace: Pace, only: Sequence[str] = ()) -> list[Case]:
    """Return all faults, or those whose ``dependency:fault`` or dependency matches one of ``only``."""
    found = [*_postgres(env, pace), *_valkey(env, pace), *_smtp(env, pace), *_names(env, pace)]
    return [
        case
        for case in found
        if not only or any(fnmatchcase(case.name, one) or fnmatchcase(case.dependency, one) for one in only)
    ]


def _postgres(env: Environment, pace: Pace) -> Iterator[Case]:
    proxy = env.postgres_proxy
    for fault, seconds in _faults(pace, pace.silent_at_all):
        yield Case("postgres", fault, seconds, partial(_inject, proxy, fault), proxy.heal, _DATABASE)
    swallow_open = partial(proxy.strike, Fault.SWALLOW, open_only=True)
    yield Case("postgres", "swallow open", pace.silent, swallow_open, proxy.heal, _DATABASE)
    yield Case("postgres", "stop", pace.silent, env.postgres.freeze, env.postgres.thaw, _DATABASE)
    for role, (only, needs) in _ROLES.items():
        for fault, seconds in _faults(pace, pace.silent):
            yield Case(f"postgres/{role}", fault, seconds, partial(_inject, proxy, fault, only), proxy.heal, needs)


def _valkey(env: Environment, pace: Pace) -> Iterator[Case]:
    proxy, needs = env.valkey_proxy, ("limits",)
    for fault, _ in _faults(pace, pace.short):
        yield Case("valkey", fault, pace.short, partial(_inject, proxy, fault), proxy.heal, needs)
    yield Case("valkey", "stop", pace.short, env.valkey.freeze, env.valkey.thaw, needs)


def _smtp(env: Environment, pace: Pace) -> Iterator[Case]:
    proxy = env.smtp_proxy
    for fault, seconds in _faults(pace, pace.silent):
        yield Case("smtp", fault, seconds, partial(_inject, proxy, fault), proxy.heal, ("mail",))


def _names(env: Environment, pace: Pace) -> Iterator[Case]:
    proxy = env.names_proxy
    for fault, seconds in _faults(pace, pace.silent):
        strike = partial(proxy.strike, fault, seconds=_seconds(fault))
        yield Case("dns", fault, seconds, strike, proxy.heal, ("domain",))


def _faults(pace: Pace, silent: float) -> Sequence[tuple[Fault, float]]:
    return (
        (Fault.FREEZE, silent),
        (Fault.SWALLOW, silent),
        (Fault.DELAY, pace.short),
        (Fault.DRIP, min(silent, pace.silent)),
        (Fault.RESET, pace.short),
        (Fault.REFUSE, pace.short),
    )


def _inject(proxy: Faulty, fault: Fault, only: Only | None = None) -> None:
    proxy.strike(fault, seconds=_seconds(fault), only=only)


def _seconds(fault: Fault) -> float:
    return _DRIP_SECONDS if fault is Fault.DRIP else _DELAY_SECONDS


class Probes:
    """Probes for everything that needs a dependency."""

    def __init__(self, env: Environment, load: MixedLoad, mail: MailProbe) -> None:
        self._env, self._load, self._mail = env, load, mail

    async def of(self, needs: Sequence[str]) -> dict[str, Probe]:
        """Return the probes for ``needs``, for each process, to be repeated until they succeed."""
        found: dict[str, Probe] = {}
        for need in needs:
            if need == "mail":
                found[need] = partial(self._mail.arrives, PATIENCE)
            elif need == "listener":
                found[need] = partial(self._listeners_hear, self._load.now())
            elif need == "limits":
                found["count"] = partial(self._counted, await self._env.loans())
                found |= {f"limits {n}": partial(self._sees_redis, n) for n in range(PROCESSES)}
            else:
                found |= {
                    f"{need} {n}": partial(self._load.succeeds, need, n, _PROBE_SECONDS) for n in range(PROCESSES)
                }
        return found

    async def _listeners_hear(self, since: float) -> bool:
        return self._env.postgres_proxy.heard_since(since, _is_listener) >= PROCESSES

    async def _counted(self, before: int) -> bool:
        return await self._env.loans() > before

    async def _sees_redis(self, process: int) -> bool:
        with suppress(httpx.TransportError):
            answer = await self._load.answer(process, RequestSpec("GET", "/readyz"))
            return answer.json()["checks"]["redis"] in (Health.OK, Health.SLOW)  # limits are counted in Redis
        return False


async def recovered(probes: Mapping[str, Probe], since: float, patience: float = PATIENCE) -> dict[str, float | None]:
    """Start the probes in turn, 20 a second, without waiting for earlier ones.

    Returns the seconds until each probe first succeeded; None if it never did.
    """
    now = asyncio.get_running_loop().time
    recoveries: dict[str, float] = {}

    async def attempt(name: str) -> None:
        if await probes[name]():
            recoveries.setdefault(name, now() - since)

    running: set[asyncio.Task[None]] = set()
    left = list(probes)
    try:
        while left and now() - since < patience:
            name = left.pop(0)
            running.add(asyncio.create_task(attempt(name)))
            left.append(name)
            await asyncio.sleep(_PROBE_EVERY)
            left = [one for one in left if one not in recoveries]
    finally:
        ended = [task for task in running if task.done()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    for task in ended:
        task.result()
    return {name: recoveries.get(name) for name in probes}


class CaseRunner:
    """Runs one case after another."""

    def __init__(
        self, env: Environment, load: MixedLoad, probes: Probes, pace: Pace, say: Callable[[str], None]
    ) -> None:
        self._env, self._load, self._probes, self._pace, self._say = env, load, probes, pace, say

    async def row(self, case: Case) -> Mapping[str, Cell]:
        """Run the case once, and return its row of the table."""
        self._load.samples.clear()
        async with self._load.sending():
            await asyncio.sleep(self._pace.around)
            began = self._load.now()
            await asyncio.to_thread(case.begin)
            await asyncio.sleep(case.seconds)
            await asyncio.to_thread(case.end)
            ended_at = self._load.now()
            recoveries = await recovered(await self._probes.of(case.needs), ended_at)
            await asyncio.sleep(self._pace.around)
            over = self._load.now()
        samples = [
            sample for sample in self._load.samples if sample.sent < over and sample.sent + sample.seconds > began
        ]
        counted = self._count(samples)
        recovery = max(PATIENCE if first is None else first for first in recoveries.values())
        longest = max(samples, key=lambda sample: sample.seconds)
        row: dict[str, Cell] = {
            "dependency": case.dependency,
            "fault": case.fault,
            **counted,
            "recovery_s": round(recovery, 2),
            "longest_s": round(longest.seconds, 1),
        }
        self._say("  ".join(f"{name} {value}" for name, value in list(row.items())[2:]) + f" ({longest.kind})")
        for line in self._problems(samples, recoveries):
            self._say(f"    {line}")
        return row

    async def wait_until_working(self) -> None:
        """Return when everything works; restart the processes if it does not recover by itself."""
        while missing := await self._missing():
            self._say(f"    not working: {', '.join(missing)}; restarting the processes")
            await asyncio.to_thread(self._env.processes.stop)
            await asyncio.to_thread(self._env.processes.start)

    async def _missing(self) -> list[str]:
        probes = await self._probes.of([*_DATABASE, "domain", "limits"])
        recoveries = await recovered(probes, self._load.now())
        return [name for name, first in recoveries.items() if first is None]

    def _count(self, samples: Sequence[Sample]) -> dict[str, int]:
        answered = sum(sample.status == BY_NAME[sample.kind].success for sample in samples)
        refused = sum(sample.status in BY_NAME[sample.kind].refused for sample in samples)
        unanswered = sum(sample.status == NO_ANSWER for sample in samples)
        return {
            "requests": len(samples),
            "answered": answered,
            "refused": refused,
            "past_deadline": sum(map(self._load.is_late, samples)),
            "wrong": len(samples) - answered - refused - unanswered,
        }

    def _problems(self, samples: Sequence[Sample], recoveries: Mapping[str, float | None]) -> Iterator[str]:
        late = [sample for sample in samples if self._load.is_late(sample)]
        for (kind, status), times in Counter((sample.kind, sample.status) for sample in late).items():
            longest = max(sample.seconds for sample in late if (sample.kind, sample.status) == (kind, status))
            yield f"late: {kind} {status or 'unanswered'} x {times}, {longest:.1f} s at most"
        odd = Counter(
            (sample.kind, sample.status)
            for sample in samples
            if sample.status not in (NO_ANSWER, BY_NAME[sample.kind].success, *BY_NAME[sample.kind].refused)
        )
        for (kind, status), times in odd.items():
            yield f"wrong: {kind} {status} x {times}"
        for name, first in recoveries.items():
            if first is None or first > RECOVERY_S:
                yield f"slow to recover: {name} {'never' if first is None else f'{first:.1f} s'}"


async def measure(env: Environment, chosen: Sequence[Case], pace: Pace, say: Callable[[str], None]) -> Table:
    """Run every chosen case, one after the other, and print its row."""
    rows = []
    async with env.clients() as clients, env.mail_probe() as mail:
        callers = await create_callers(
            env.settings, clients[0], env.names, math.ceil(_KEYS_A_CASE * pace.times) * len(chosen)
        )
        load = MixedLoad(clients, callers, env.settings, pace.times)
        runner = CaseRunner(env, load, Probes(env, load, mail), pace, say)
        await runner.wait_until_working()
        for number, case in enumerate(chosen, 1):
            say(f"{number}/{len(chosen)} {case.name}, {case.seconds:g} s")
            rows.append(await runner.row(case))
            await runner.wait_until_working()
    per_second = pace.times * sum(kind.per_second for kind in KINDS)
    title = (
        f"{PROCESSES} web processes and a worker, {per_second:g} requests a second of {len(KINDS)} kinds, and up to "
        f"{1 / _PROBE_EVERY:g} more while waiting for a recovery."
    )
    bars = (Bar("past_deadline", 0), Bar("wrong", 0), Bar("recovery_s", RECOVERY_S))
    return Table(title, rows, bars, named_by=2)
