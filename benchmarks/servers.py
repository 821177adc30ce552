"""Starts the contestants as real servers: each is one uvicorn, started as its users would start it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from benchmarks.proc import family, set_priority
from benchmarks.testbed import Testbed
from insula.cli.environment import to_environment

_PATIENCE: Final = 60.0
_POLL: Final = 0.05
_ROOT: Final = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Contestant:
    """An app, its command, and its operations."""

    name: str
    description: str
    operations: tuple[str, ...]
    module: str = ""
    access_log: bool = True
    inside: bool = False
    reset: bool = True


@dataclass(frozen=True, slots=True)
class Running:
    """A running contestant."""

    contestant: Contestant
    url: str
    pid: int
    log: Path

    @property
    def processes(self) -> Collection[int]:
        """The root of its processes, to measure their CPU time."""
        return (self.pid,)


INSULA: Final = Contestant(
    "insula", "the product: `insula serve`", ("read", "list", "create", "hot_create", "patch", "403", "404", "429")
)
_TWINNED: Final = ("read", "list", "create", "patch")
CONTESTANTS: Final = (
    Contestant("bare", "FastAPI, no database", ("read",), "bare"),
    Contestant("asyncpg", "FastAPI + asyncpg, no tenancy", ("read",), "raw_asyncpg"),
    Contestant("asyncpg_nolog", "the same without an access log", ("read",), "raw_asyncpg", access_log=False),
    Contestant("asyncpg_noreset", "the same without a reset of connections", ("read",), "raw_asyncpg", reset=False),
    Contestant(
        "asyncpg_writes",
        "FastAPI + asyncpg, no tenancy: the effects and guarantees of the product's writes by hand",
        ("create", "hot_create", "patch"),
        "asyncpg_writes",
        reset=False,
    ),
    Contestant("sqlmodel", "FastAPI + SQLModel, no tenancy", ("read",), "with_sqlmodel"),
    Contestant("orm_plain", "the same: an INSERT without idempotency, quota or audit", ("create",), "with_sqlmodel"),
    Contestant("template", "the stack that templates use", ("read", "list"), "template"),
    Contestant("twin", "the product's handlers on plain FastAPI", _TWINNED, "twin"),
    Contestant("twin_nolog", "the same without an access log", ("read",), "twin", access_log=False),
    Contestant("twin_in_insula", "the same inside the product's root app", _TWINNED, "twin", inside=True),
    INSULA,
)


@contextmanager
def running(
    testbed: Testbed, contestants: Collection[Contestant], cores: Collection[int], workers: int = 1
) -> Iterator[list[Running]]:
    """Run all contestants at once on these cores; each is idle until its turn."""
    with ExitStack() as stack:
        servers = [stack.enter_context(_serving(testbed, contestant, cores, workers)) for contestant in contestants]
        set_priority(os.getpid(), os.nice(0))
        yield servers


@dataclass(frozen=True, slots=True)
class Cores:
    """The cores of the measured application, and the cores that the load, PostgreSQL and Valkey share."""

    application: frozenset[int]
    others: frozenset[int]

    @classmethod
    def split(cls) -> "Cores":
        """Give the application one core and the others the rest; a single core is shared."""
        first, *rest = sorted(os.sched_getaffinity(0))
        return cls(frozenset({first}), frozenset(rest or {first}))


@contextmanager
def pinned(cores: Collection[int]) -> Iterator[None]:
    """Run processes that start during the block on these cores only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def _serving(testbed: Testbed, contestant: Contestant, cores: Collection[int], workers: int) -> Iterator[Running]:
    port = _free_port()
    log = testbed.directory / f"{contestant.name}-{workers}.log"
    command, environment = _start(testbed, contestant, port, workers)
    with log.open("wb") as output, pinned(cores):
        process = subprocess.Popen(command, env=environment, cwd=_ROOT, stdout=output, stderr=output)  # noqa: S603  # our own
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url, process, log)
        yield Running(contestant, url, process.pid, log)
    finally:
        process.terminate()
        process.wait()


def _start(testbed: Testbed, contestant: Contestant, port: int, workers: int) -> tuple[list[str], Mapping[str, str]]:
    python = Path(sys.executable)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}  # noqa: TID251  # the environment of child processes
    inherited = {**kept, "PYTHONPATH": f"{_ROOT / 'platform'}:{_ROOT}"}
    if contestant is INSULA:
        serve = [str(python.with_name("insula")), "serve", "--port", str(port), "--workers", str(workers)]
        return serve, {**inherited, **to_environment(testbed.settings)}
    if contestant.inside:
        return [str(python), "-m", "benchmarks.contestants.inside", str(port)], {
            **inherited,
            **_variables(testbed, contestant),
        }
    app = f"benchmarks.contestants.{contestant.module}:create_app"
    options = ["--factory", app, "--port", str(port), "--loop", "uvloop", "--http", "httptools", "--no-proxy-headers"]
    options += ["--access-log" if contestant.access_log else "--no-access-log"]
    return [str(python), "-m", "uvicorn", *options], {**inherited, **_variables(testbed, contestant)}


def _variables(testbed: Testbed, contestant: Contestant) -> Mapping[str, str]:
    return {
        **to_environment(testbed.twin_settings),
        "BENCH_DATABASE_URL": testbed.template_url if contestant.module == "template" else testbed.twin_url,
        "BENCH_REDIS_URL": testbed.settings.redis_url,
        "BENCH_JWT_SECRET": testbed.dataset.jwt_secret,
        "BENCH_INSIDE": str(contestant.inside),
        "BENCH_RESET": str(contestant.reset),
    }


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            httpx.get(url)
        except httpx.TransportError:
            time.sleep(_POLL)
        else:
            return
    raise RuntimeError(f"{url} does not answer:\n{log.read_text()[-2000:]}")


def workers_of(server: Running) -> list[int]:
    """Return the web processes."""
    _, *children = family(server.pid)
    return children or [server.pid]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
