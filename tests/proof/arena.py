"""Runs suites: on servers that are shared by the whole proof, each with its own database and source tree."""

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

from tests.proof.suites import Outcome, Suite
from tests.support.cluster import RUNNING, Servers, TestServers, with_path
from tests.support.forkserver import Forkserver
from tests.support.libraries import LIBRARIES
from tests.support.pgbouncer import pooling
from tests.support.project import SHIPPED

ROOT = Path(__file__).parents[2]
JOBS = 2
SECONDS = 600
"""The time limit of work in another process."""
_LEFT_OUT = shutil.ignore_patterns(".venv", ".git", ".*_cache", ".hypothesis", "__pycache__", "build", "benchmarks")
Task = TypeVar("Task")
Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")


@dataclass(frozen=True)
class Sandbox:
    """The place of one suite at a time: a copy of the source, a Valkey index, a server that forks processes."""

    number: int
    tree: Path
    forkserver: Forkserver

    @contextmanager
    def changed(self, files: Iterable[tuple[str, str]]) -> Iterator[None]:
        """Replace these files of the copy during the block."""
        before = {self.tree / name: (self.tree / name).read_text() for name, _ in files}
        try:
            for name, text in files:
                (self.tree / name).write_text(text)
            yield
        finally:
            for path, text in before.items():
                path.write_text(text)


class Arena:
    """The servers and sandboxes, and the runs on them."""

    def __init__(
        self, servers: TestServers, sandboxes: Iterable[Sandbox], directory: Path, processes: Executor
    ) -> None:
        self._servers = servers
        self._processes = processes
        self._free: SimpleQueue[Sandbox] = SimpleQueue()
        for sandbox in sandboxes:
            self._free.put(sandbox)
        self._directory = directory

    @classmethod
    @contextmanager
    def open(cls) -> Iterator[Self]:
        """Start the servers and copy the source, once for each sandbox."""
        servers = TestServers()
        directory = Path(tempfile.mkdtemp(prefix="insula-proof-"))
        with ExitStack() as stack:
            stack.callback(shutil.rmtree, directory)
            stack.callback(servers.stop)
            sandboxes = []
            for number in range(1, JOBS + 1):
                tree = directory / f"tree-{number}"
                shutil.copytree(ROOT, tree, ignore=_LEFT_OUT, symlinks=True)
                _compile(tree)
                forkserver = stack.enter_context(Forkserver.started(LIBRARIES, {"PATH": os.environ["PATH"]}, "-B"))
                sandboxes.append(Sandbox(number, tree, forkserver))
            servers.start()
            processes = stack.enter_context(ProcessPoolExecutor(JOBS, mp_context=get_context("spawn")))
            yield cls(servers, sandboxes, directory, processes)

    @contextmanager
    def database(self, name: str, sandbox: Sandbox) -> Iterator[Servers]:
        """Lend a freshly migrated database, and the sandbox's Valkey index, empty."""
        servers = self._servers.lend(name, sandbox.number)
        try:
            yield servers
        finally:
            self._servers.drop(servers)

    @contextmanager
    def pooler(self, size: int = 2) -> Iterator[Callable[[Servers], Servers]]:
        """Start a transaction pooler; yield a function that routes servers through it. Call it in the main thread."""
        servers = self._servers.lend("proof_pooler", 0)
        try:
            with pooling(servers.settings(), size) as url:
                yield lambda own: replace(own, database_url=with_path(url, own.database), direct_url=own.database_url)
        finally:
            self._servers.drop(servers)

    @contextmanager
    def sandbox(self) -> Iterator[Sandbox]:
        """Lend a sandbox; wait until one is free."""
        sandbox = self._free.get()
        try:
            yield sandbox
        finally:
            self._free.put(sandbox)

    def run(self, suite: Suite, servers: Servers, sandbox: Sandbox) -> Outcome:
        """Run the suite on the sandbox's code and this database; once more if it could not run."""
        outcome = self._run(suite, servers, sandbox)
        return self._run(suite, servers, sandbox) if outcome.verdict == "broken" else outcome

    def _run(self, suite: Suite, servers: Servers, sandbox: Sandbox) -> Outcome:
        findings = self._directory / f"findings-{sandbox.number}.json"
        findings.unlink(missing_ok=True)
        command = [sys.executable, "-m", *suite.command(findings)]
        try:
            environment = _environment(sandbox.tree, servers)
            done = sandbox.forkserver.run(command, environment, str(sandbox.tree), suite.seconds)
        except subprocess.TimeoutExpired:
            return Outcome("broken", f"not done within {suite.seconds} s")
        outcome = suite.read(done.returncode, findings)
        if outcome.verdict == "broken":
            last = f"{done.stdout}\n{done.stderr}".strip().splitlines()[-2:]
            return outcome._replace(detail=f"{outcome.detail}: {' '.join(last)}")
        return outcome

    def call(self, work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        """Run a module's function in another process, whose event loop is not blocked by this one."""
        return self._processes.submit(work, *args, **kwargs).result(SECONDS)

    def each(self, tasks: Iterable[Task], work: Callable[[Task], Result]) -> Iterator[Result]:
        """Do the work, with as many tasks at once as there are sandboxes; results are in the tasks' order."""
        with ThreadPoolExecutor(JOBS) as pool:
            yield from pool.map(work, tasks)


def _compile(tree: Path) -> None:
    # Bytecode that is checked against its source's hash: a changed file is never mistaken for the previous one.
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
