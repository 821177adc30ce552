"""Where suites run: servers that run once for the whole proof, and for each run a database and a tree of its own."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from queue import SimpleQueue
from typing import ParamSpec, Self, TypeVar

from tests.proof.forkserver import Forkserver
from tests.proof.suites import Outcome, Suite
from tests.support.cluster import RUNNING, Servers, TestServers, with_path
from tests.support.pgbouncer import pooling
from tests.support.project import SHIPPED

ROOT = Path(__file__).parents[2]
JOBS = 2
SECONDS = 600
"""In which work in another process must end."""
_LEFT_OUT = shutil.ignore_patterns(".venv", ".git", ".*_cache", ".hypothesis", "__pycache__", "build", "benchmarks")
Task = TypeVar("Task")
Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")


@dataclass(frozen=True)
class Place:
    """Where one suite runs at a time: a copy of the source, a Valkey index, a server of processes."""

    number: int
    tree: Path
    forkserver: Forkserver

    @contextmanager
    def changed(self, files: Iterable[tuple[str, str]]) -> Iterator[None]:
        """Let these files of the copy say something else meanwhile."""
        before = {self.tree / name: (self.tree / name).read_text() for name, _ in files}
        try:
            for name, text in files:
                (self.tree / name).write_text(text)
            yield
        finally:
            for path, text in before.items():
                path.write_text(text)


class Arena:
    """Servers, places, and who runs where."""

    def __init__(self, servers: TestServers, places: Iterable[Place], directory: Path, processes: Executor) -> None:
        self._servers = servers
        self._processes = processes
        self._free: SimpleQueue[Place] = SimpleQueue()
        for place in places:
            self._free.put(place)
        self._directory = directory

    @classmethod
    @contextmanager
    def open(cls) -> Iterator[Self]:
        """Start the servers and copy the source, once for each place."""
        servers = TestServers()
        directory = Path(tempfile.mkdtemp(prefix="insula-proof-"))
        with ExitStack() as stack:
            stack.callback(shutil.rmtree, directory)
            stack.callback(servers.stop)
            places = []
            for number in range(1, JOBS + 1):
                tree = directory / f"tree-{number}"
                shutil.copytree(ROOT, tree, ignore=_LEFT_OUT, symlinks=True)
                _compile(tree)
                places.append(Place(number, tree, stack.enter_context(Forkserver.started())))
            servers.start()
            processes = stack.enter_context(ProcessPoolExecutor(JOBS, mp_context=get_context("spawn")))
            yield cls(servers, places, directory, processes)

    @contextmanager
    def database(self, name: str, place: Place) -> Iterator[Servers]:
        """Lend a database like a freshly migrated one, and the place's Valkey index, empty."""
        servers = self._servers.lend(name, place.number)
        try:
            yield servers
        finally:
            self._servers.drop(servers)

    @contextmanager
    def pooler(self, size: int = 2) -> Iterator[Callable[[Servers], Servers]]:
        """Start a transaction pooler; give what leads databases through it. From the main thread only."""
        servers = self._servers.lend("proof_pooler", 0)
        try:
            with pooling(servers.settings(), size) as url:
                yield lambda own: replace(own, database_url=with_path(url, own.database), direct_url=own.database_url)
        finally:
            self._servers.drop(servers)

    @contextmanager
    def place(self) -> Iterator[Place]:
        """Lend a place, waiting for one."""
        place = self._free.get()
        try:
            yield place
        finally:
            self._free.put(place)

    def run(self, suite: Suite, servers: Servers, place: Place) -> Outcome:
        """Run the suite on the code of the place and this database; once more where it could not take place."""
        outcome = self._run(suite, servers, place)
        return self._run(suite, servers, place) if outcome.verdict == "broken" else outcome

    def _run(self, suite: Suite, servers: Servers, place: Place) -> Outcome:
        findings = self._directory / f"findings-{place.number}.json"
        findings.unlink(missing_ok=True)
        module, *arguments = suite.command(findings)
        try:
            environment = _environment(place.tree, servers)
            done = place.forkserver.run(module, arguments, place.tree, environment, suite.seconds)
        except subprocess.TimeoutExpired:
            return Outcome("broken", f"not done within {suite.seconds} s")
        outcome = suite.read(done.code, findings)
        if outcome.verdict == "broken":
            last = done.output.strip().splitlines()[-2:]
            return outcome._replace(said=f"{outcome.said}: {' '.join(last)}")
        return outcome

    def call(self, work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        """Run a function of a module in another process, whose event loop nobody holds up."""
        return self._processes.submit(work, *args, **kwargs).result(SECONDS)

    def each(self, tasks: Iterable[Task], work: Callable[[Task], Result]) -> Iterator[Result]:
        """Do the work, as many at once as there are places; results come in the order of the tasks."""
        with ThreadPoolExecutor(JOBS) as pool:
            yield from pool.map(work, tasks)


def _compile(tree: Path) -> None:
    # Bytecode that is compared with its source by hash: a changed file is never taken for the one before.
    command = [sys.executable, "-m", "compileall", "-q", "-j", str(JOBS), "--invalidation-mode", "checked-hash"]
    subprocess.run([*command, *sorted(SHIPPED), "tests"], cwd=tree, check=True)  # noqa: S603 - fixed


def _environment(tree: Path, servers: Servers) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **inherited,
        "PYTHONPATH": f"{tree / 'platform'}:{tree}",
        "PYTHONDONTWRITEBYTECODE": "1",
        RUNNING: json.dumps(servers.to_wire()),
    }
