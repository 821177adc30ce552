"""Runs one burst of load with wrk, and reads its figures from wrk and from ``/proc``."""

import resource
import subprocess
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from benchmarks.proc import cpu_seconds, machine_seconds
from insula.core.ids import new_id

WRK = Path("/usr/bin/wrk")
CONNECTIONS = 32
_SCRIPT = Path(__file__).with_name("load.lua")
_BAD_STATUS = 400
_FEW = 0.01
_TIMEOUT = "10s"


class LoadFailed(RuntimeError):
    """wrk could not run, or got unexpected answers."""


@dataclass(frozen=True, slots=True)
class Burst:
    """The figures of one burst."""

    requests: int
    rate: float
    p50_ms: float
    p99_ms: float
    app_cpu_us: float
    database_cpu_us: float
    foreign: float
    """The part of the machine that other programs used."""
    cpu_us: float
    """The CPU time of a request in all: the application's, the database's and the load generator's."""


@dataclass(frozen=True, slots=True)
class Target:
    """A running contestant and a file of requests for it."""

    name: str
    url: str
    requests: Path
    status: int
    application: Collection[int]
    database: int
    """The postmaster; its children count too."""
    log: Path


def burst(target: Target, seconds: float, *, connections: int = CONNECTIONS, rate: float = 0) -> Burst:
    """Load the target for this time, at full speed or at ``rate`` requests a second. Raises LoadFailed."""
    pace = [f"{rate:.1f}"] if rate else []
    command = [
        *(
            str(WRK),
            "-t1",
            f"-c{connections}",
            f"-d{seconds:.0f}s",
            "--timeout",
            _TIMEOUT,
            "-s",
            str(_SCRIPT),
            target.url,
        ),
        *("--", str(target.requests), new_id().hex[:20], *pace),
    ]
    before = _spent(target)
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # a fixed program
    app, database, wrk, everything, idle = (now - then for now, then in zip(_spent(target), before, strict=True))
    figures = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if done.returncode or not figures:
        raise LoadFailed(f"{done.stdout}{done.stderr}")
    requests, duration, p50, p99, _, refused, broken = (float(figure) for figure in figures[0])
    as_expected = requests - refused if target.status < _BAD_STATUS else refused
    if not requests or broken > _FEW * requests or as_expected < (1 - _FEW) * requests:
        counts = f"{as_expected:.0f} of {requests:.0f} requests, {broken:.0f} broken"
        raise LoadFailed(f"{target.name}, {target.requests.name}: only {counts}")
    each = 1e6 / requests
    foreign = max(0.0, everything - app - database - wrk) / (everything + idle)
    return Burst(
        requests=int(requests),
        rate=requests * 1e6 / duration,
        p50_ms=p50 / 1e3,
        p99_ms=p99 / 1e3,
        app_cpu_us=app * each,
        database_cpu_us=database * each,
        foreign=foreign,
        cpu_us=(app + database + wrk) * each,
    )


def _spent(target: Target) -> tuple[float, ...]:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    wrk = children.ru_utime + children.ru_stime
    return cpu_seconds(target.application), cpu_seconds([target.database]), wrk, *machine_seconds()
