"""Runs web processes on one socket, and the worker, as child processes, and restarts those that end."""

import errno
import math
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Final

import structlog

from insula.cli.failing import STOPPING, CommandFailed, leave
from insula.dev.embedded import guarded

_WEB: Final = ("insula.cli.web", "insula.asgi:create_app")
_WORKER: Final = ("insula.worker",)
_log = structlog.get_logger(__name__)


def bound(host: str, port: int) -> socket.socket:
    """Return a socket bound to ``host`` and ``port``. Raises CommandFailed if the port is taken."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # With SO_REUSEADDR a bind alone may succeed on a taken port.
        socket.create_server((host, port), family=family).close()
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError as error:
        raise CommandFailed(f"port {port} on {host} {_why_not_bound(error, port)}") from None
    return listening


def _why_not_bound(error: OSError, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"is taken: stop the other program, or choose another port, such as PORT={port + 1}"
    if error.errno == errno.EACCES:
        return "needs root: choose a port above 1023, such as PORT=8000"
    reason = (error.strerror or str(error)).partition(" (")[0]
    return f"cannot be used ({reason}): --host is an address of this machine, such as 127.0.0.1"


@dataclass(frozen=True)
class Restarts:
    """When to restart a child that ended, and when to give up."""

    first_pause: float = 0.5
    longest_pause: float = 30.0
    steady_seconds: float = 10.0
    """A child that ends after it served at least this long is restarted at once."""
    start_seconds: float = 60.0
    """A web process that does not serve within this time is killed."""
    tries: int = 3
    """Give up after this many failures in a row of each web process if none has ever served: the settings are wrong."""
    tries_after_serving: int = 10

    end_seconds: float = 2.0
    """A process that is replaced, since its code was edited, is killed if it does not end within this time."""

    def pause(self, failures: int) -> float:
        """Return the seconds before the next start, after this many ``failures`` in a row."""
        return min(self.longest_pause, self.first_pause * 2 ** (failures - 1)) if failures else 0.0


@dataclass(eq=False)
class _Child:
    """A child to keep running, and its current process."""

    name: str
    module: Sequence[str]
    is_web: bool
    process: subprocess.Popen[bytes] | None = None
    ready_pipe: int | None = None
    serving_since: float | None = None
    due: float = 0.0
    """With a process: the deadline to serve. Without one: when to start the next."""
    failures: int = 0
    """The number of times in a row that it ended before ``steady_seconds``."""
    reason: str = ""


@dataclass
class _Reload:
    """A restart of all children, because the code was edited."""

    say: Callable[[str], None]
    begun: float = field(default_factory=time.monotonic)
    has_failed: bool = False


@dataclass
class Supervisor:
    """Starts, watches and stops the web processes and the worker. ``check`` raises if another child has ended."""

    listening: socket.socket
    environment: Mapping[str, str]
    drain_seconds: float
    check: Callable[[], None] = lambda: None
    restarts: Restarts = Restarts()
    web: Sequence[str] = _WEB
    _children: list[_Child] = field(default_factory=list)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    _has_served: bool = False
    _reload: _Reload | None = None
    _ending: dict[int, tuple[subprocess.Popen[bytes], float]] = field(default_factory=dict)
    """The processes that a reload replaced, by process id, and when each is killed."""

    @contextmanager
    def serving(self, workers: int) -> Iterator[None]:
        """Yield once a web process serves and each other one has served or failed once.

        On exit, drain and stop all children.
        """
        with self._woken_by_children():
            try:
                self._children += [_Child(f"web {number + 1}", self.web, is_web=True) for number in range(workers)]
                while not self._has_started():
                    self._await_event()
                yield
            finally:
                self._stop()

    def start_worker(self) -> None:
        """Start the worker, which runs jobs."""
        self._children.append(_Child("worker", _WORKER, is_web=False))

    def call_when_readable(self, source: int, react: Callable[[], None]) -> None:
        """Have `watch` call ``react`` whenever the file descriptor ``source`` is readable."""
        self._selector.register(source, selectors.EVENT_READ, react)

    def reload(self, say: Callable[[str], None]) -> None:
        """Replace every child, and tell ``say`` whether the new code serves.

        Requests wait meanwhile, in the queue of the socket. A process that cannot start waits for the next reload.
        """
        self._reload = _Reload(say)
        deadline = time.monotonic() + self.restarts.end_seconds
        for child in self._children:
            self._close_pipe(child)
            if child.process is not None:
                child.process.terminate()
                self._ending[child.process.pid] = (child.process, deadline)
            child.process, child.serving_since, child.failures = None, None, 0
            child.due = 0.0 if child.is_web else math.inf  # the worker starts when the web processes serve

    def watch(self) -> None:
        """Restart children that end, until a signal raises or no web process can be started."""
        while True:
            self._await_event()

    @contextmanager
    def _woken_by_children(self) -> Iterator[None]:
        """Make the end of a child, and the signals that end the command, wake the selector."""
        readable, writable = os.pipe()
        os.set_blocking(readable, False)
        os.set_blocking(writable, False)
        handlers = {number: signal.signal(number, _only_wake) for number in (signal.SIGCHLD, *STOPPING)}
        previous = signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
        self._selector.register(readable, selectors.EVENT_READ)
        try:
            yield
        finally:
            signal.set_wakeup_fd(previous)
            for number, handler in handlers.items():
                if signal.getsignal(number) is _only_wake:  # not ignored, as it is while everything stops
                    signal.signal(number, handler)
            self._selector.close()
            os.close(readable)
            os.close(writable)

    def _has_started(self) -> bool:
        webs = self._webs()
        return any(web.serving_since for web in webs) and all(web.serving_since or web.failures for web in webs)

    def _webs(self) -> list[_Child]:
        return [child for child in self._children if child.is_web]

    def _await_event(self) -> None:
        """Start due children, then wait for the next event or due time."""
        for child in self._children:
            if child.serving_since is None and time.monotonic() >= child.due:
                self._start(child) if child.process is None else self._kill_late(child)
        self._kill_slow()
        starting = [child.due for child in self._children if child.serving_since is None]
        due = min([*starting, *(deadline for _, deadline in self._ending.values())], default=math.inf)
        timeout = None if due == math.inf else max(0.0, due - time.monotonic())
        for key, _ in self._selector.select(timeout):
            if isinstance(key.data, _Child):
                self._read_ready_pipe(key.data)
            elif key.data is not None:
                key.data()
            else:
                _leave_if_told(os.read(key.fd, 4096))
        while (pid := _ended_child()) is not None:
            self._reap(pid)

    def _start(self, child: _Child) -> None:
        child.reason = ""
        child.due = time.monotonic() + self.restarts.start_seconds
        if not child.is_web:
            child.process = self._spawn(child.module)
            child.serving_since = time.monotonic()
            return
        child.ready_pipe, writable = os.pipe()
        os.set_blocking(child.ready_pipe, False)
        self._selector.register(child.ready_pipe, selectors.EVENT_READ, child)
        handed = (self.listening.fileno(), writable)
        child.process = self._spawn([*child.module, *map(str, handed), str(self.drain_seconds)], handed)
        os.close(writable)

    def _spawn(self, command: Sequence[str], handed: Sequence[int] = ()) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603  our own module
            guarded([sys.executable, "-m", *command], signal.SIGTERM),
            env=self.environment,
            pass_fds=handed,
            start_new_session=True,
        )

    def _read_ready_pipe(self, child: _Child) -> None:
        """Note that a web process serves; if it closed its pipe without a byte, it is about to end."""
        if child.ready_pipe is None:
            return
        try:
            word = os.read(child.ready_pipe, 1)
        except BlockingIOError:
            word = b""
        if word:
            child.serving_since = time.monotonic()
            self._has_served = True
            if self._reload is not None:
                self._note_reload(self._reload)
            elif child.failures:
                _log.info("process serves again", name=child.name, failures=child.failures)
        self._close_pipe(child)

    def _note_reload(self, reload: _Reload) -> None:
        if all(web.serving_since for web in self._webs()):
            reload.say(f"reloaded in {time.monotonic() - reload.begun:.1f} s")
            self._reload = None
            for child in self._children:
                child.due = child.due if child.is_web else 0.0

    def _kill_slow(self) -> None:
        """Kill the processes that were replaced and do not end."""
        for pid, (process, deadline) in self._ending.items():
            if time.monotonic() >= deadline:
                process.kill()
                self._ending[pid] = (process, math.inf)

    def _kill_late(self, child: _Child) -> None:
        if child.process is not None:
            child.reason = f"did not serve within {self.restarts.start_seconds:g} s"
            child.due = math.inf  # until it is reaped
            child.process.kill()

    def _reap(self, pid: int) -> None:
        self.check()
        if pid in self._ending:
            process, _ = self._ending.pop(pid)
            process.wait()
            return
        for child in self._children:
            if child.process is not None and child.process.pid == pid:
                self._note_end(child, child.process.wait())
                return
        os.waitpid(pid, 0)  # as process 1 of a container, we inherit orphans

    def _note_end(self, child: _Child, status: int) -> None:
        if child.ready_pipe is not None:
            self._read_ready_pipe(child)
        served = child.serving_since
        steady = served is not None and time.monotonic() - served >= self.restarts.steady_seconds
        if self._reload is not None and not served:
            child.process, child.due = None, math.inf
            if not self._reload.has_failed:
                self._reload.say("the code does not start: correct it, and it is loaded again")
            self._reload.has_failed = True
            return
        child.failures = 0 if steady else child.failures + 1
        child.reason = child.reason or f"{_ending(status)}{'' if served else ' while it started'}"
        pause = self.restarts.pause(child.failures)
        pid = child.process.pid if child.process is not None else None
        child.process, child.serving_since, child.due = None, None, time.monotonic() + pause
        _log.error("process ended", name=child.name, pid=pid, reason=child.reason, again_in_seconds=pause)
        self._give_up_if_none_serves()

    def _give_up_if_none_serves(self) -> None:
        tries = self.restarts.tries_after_serving if self._has_served else self.restarts.tries
        webs = self._webs()
        if all(web.serving_since is None and web.failures >= tries for web in webs):
            reasons = "; ".join(f"{web.name} {web.reason}, {web.failures} times in a row" for web in webs)
            raise CommandFailed(f"no web process can be started: {reasons}. Their last output is above")

    def _close_pipe(self, child: _Child) -> None:
        if child.ready_pipe is not None:
            self._selector.unregister(child.ready_pipe)
            os.close(child.ready_pipe)
            child.ready_pipe = None

    def _stop(self) -> None:
        processes = [child.process for child in self._children if child.process is not None]
        processes += [process for process, _ in self._ending.values()]
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + self.drain_seconds + 5
        for process in processes:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for child in self._children:
            self._close_pipe(child)


def _only_wake(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the signal's number is in the pipe of `set_wakeup_fd`.

    An exception that is raised here would be lost if the handler ran inside a callback of the garbage collector.
    """


def _leave_if_told(signals: bytes) -> None:
    """Raise SystemExit if one of ``signals`` ends the command."""
    for number in STOPPING.intersection(signals):
        leave(number)


def _ended_child() -> int | None:
    """Return the process id of a child that has ended and was not reaped yet."""
    try:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT | os.WNOHANG)
    except ChildProcessError:  # there is no child at all
        return None
    return ended.si_pid if ended is not None else None


def _ending(status: int) -> str:
    """Describe how a process ended."""
    return f"ended with status {status}" if status >= 0 else f"was killed by {signal.Signals(-status).name}"
