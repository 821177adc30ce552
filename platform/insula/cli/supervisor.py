"""Web processes on one socket, and the worker: direct children of this process, replaced when they fall."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from insula.cli.failing import CommandFailed
from insula.embedded import guarded

_SHORT_LIFE_SECONDS = 5.0
_SHORT_LIVES = 3
_log = structlog.get_logger(__name__)


def bound(host: str, port: int) -> socket.socket:
    """Return a socket bound to ``host`` and ``port``, or say that the port is taken."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.create_server((host, port), family=family):  # a bind alone does not see a listener's absence
            pass
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError as error:
        reason = "is taken: choose another with --port or PORT" if "in use" in str(error) else f"({error.strerror})"
        raise CommandFailed(f"port {port} on {host} {reason}") from None
    return listening


@dataclass(frozen=True)
class _Child:
    process: subprocess.Popen[bytes]
    started: float
    replace: Callable[[], None]


@dataclass
class Supervisor:
    """Starts, watches and stops the web processes and the worker."""

    listening: socket.socket
    environment: Mapping[str, str]
    drain_seconds: float
    children: dict[int, _Child] = field(default_factory=dict)
    short_lives: int = 0

    @contextmanager
    def serving(self, workers: int) -> Iterator[None]:
        """Give control while ``workers`` web processes serve; all children are stopped, drained, on the way out."""
        try:
            for ready in [self._spawn_web() for _ in range(workers)]:
                with os.fdopen(ready, "rb") as pipe:
                    if not pipe.read(1):
                        raise CommandFailed("the web process did not start; its last words are above")
            yield
        finally:
            self._stop()

    def work(self) -> None:
        """Start the worker that runs jobs."""
        self._start(["insula.worker"], self.work)

    def watch(self, others: Callable[[], None] | None = None) -> None:
        """Replace children that end, until a signal raises; ``others`` raises when another child ended."""
        while True:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
            if ended is None:
                continue
            if others is not None:
                others()
            if ended.si_pid not in self.children:
                os.waitpid(ended.si_pid, 0)  # as process 1 of a container, we inherit strangers
                continue
            self._replace(ended.si_pid)

    def _replace(self, pid: int) -> None:
        child = self.children.pop(pid)
        status = child.process.wait()
        _log.error("process ended, starting another", pid=pid, status=status)
        self.short_lives = self.short_lives + 1 if time.monotonic() - child.started < _SHORT_LIFE_SECONDS else 0
        if self.short_lives >= _SHORT_LIVES:
            raise CommandFailed("processes keep ending as soon as they start")
        child.replace()

    def _spawn_web(self) -> int:
        """Start a web process; return the pipe on which it says that it serves."""
        readable, writable = os.pipe()
        numbers = [str(self.listening.fileno()), str(writable), str(self.drain_seconds)]
        self._start(["insula.cli.web", *numbers], self._replace_web, self.listening.fileno(), writable)
        os.close(writable)
        return readable

    def _replace_web(self) -> None:
        os.close(self._spawn_web())

    def _start(self, module: Sequence[str], replace: Callable[[], None], *handed: int) -> None:
        process = subprocess.Popen(  # noqa: S603  our own module
            guarded([sys.executable, "-m", *module], signal.SIGTERM),
            env=self.environment,
            pass_fds=handed,
            start_new_session=True,
        )
        self.children[process.pid] = _Child(process, time.monotonic(), replace)

    def _stop(self) -> None:
        processes = [child.process for child in self.children.values()]
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + self.drain_seconds + 5
        for process in processes:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
