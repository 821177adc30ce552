"""Web processes on one socket, all direct children of this process, replaced when they fall."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
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


@dataclass
class Supervisor:
    """Starts, watches and stops the web processes."""

    listening: socket.socket
    environment: Mapping[str, str]
    drain_seconds: float
    processes: dict[int, tuple[subprocess.Popen[bytes], float]] = field(default_factory=dict)
    short_lives: int = 0

    @contextmanager
    def serving(self, workers: int) -> Iterator[None]:
        """Give control while ``workers`` processes serve; they are stopped, drained, on the way out."""
        try:
            for ready in [self._spawn() for _ in range(workers)]:
                with os.fdopen(ready, "rb") as pipe:
                    if not pipe.read(1):
                        raise CommandFailed("the web process did not start; its last words are above")
            yield
        finally:
            self._stop()

    def watch(self, others: Callable[[], None] | None = None) -> None:
        """Replace web processes that end, until a signal raises; ``others`` raises when another child ended."""
        while True:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
            if ended is None:
                continue
            if others is not None:
                others()
            if ended.si_pid not in self.processes:
                os.waitpid(ended.si_pid, 0)  # as process 1 of a container, we inherit strangers
                continue
            self._replace(ended.si_pid)

    def _replace(self, pid: int) -> None:
        process, started = self.processes.pop(pid)
        status = process.wait()
        _log.error("web process ended, starting another", pid=pid, status=status)
        self.short_lives = self.short_lives + 1 if time.monotonic() - started < _SHORT_LIFE_SECONDS else 0
        if self.short_lives >= _SHORT_LIVES:
            raise CommandFailed("web processes keep ending as soon as they start")
        os.close(self._spawn())

    def _spawn(self) -> int:
        """Start one process; return the pipe on which it says that it serves."""
        readable, writable = os.pipe()
        module = [sys.executable, "-m", "insula.cli.web"]
        numbers = [str(self.listening.fileno()), str(writable), str(self.drain_seconds)]
        process = subprocess.Popen(  # noqa: S603  our own module
            guarded([*module, *numbers], signal.SIGTERM),
            env=self.environment,
            pass_fds=(self.listening.fileno(), writable),
            start_new_session=True,
        )
        os.close(writable)
        self.processes[process.pid] = (process, time.monotonic())
        return readable

    def _stop(self) -> None:
        processes = [process for process, _ in self.processes.values()]
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + self.drain_seconds + 5
        for process in processes:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
