"""Runs Python programs in processes that need not import their modules first: forked from one that has them.

Each is a process of its own, with its own id, signals, files and exit status. Run as a script with ``-P``, so that
nothing is imported but what it is told.
"""

import atexit
import gc
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import IO, Final, Self, TypedDict

PRELOADED: Final = ("-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning")
"""Options of a pytest in a process that has the libraries, plugins' among them, before pytest could look at them."""

_LONGEST = 1 << 17
_FILES = 4


class Task(TypedDict):
    """A program to run; its standard files, and where its id and end are told, come beside it."""

    command: Sequence[str]
    """``python -m MODULE``, ``python -c CODE`` or a script of Python, and its arguments."""
    directory: str
    environment: Mapping[str, str]


class Forked:
    """A process that was forked, with the methods of ``subprocess.Popen`` that tests use."""

    def __init__(self, told: socket.socket) -> None:
        self._told = told
        self.pid = self._next()
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit status once it has ended."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status when it has ended. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            self._told.settimeout(timeout)
            try:
                self.returncode = self._next()
            except (BlockingIOError, TimeoutError):
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0) from None
            self._told.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.wait()

    def _next(self) -> int:
        number = self._told.recv(_LONGEST)
        if not number:
            raise RuntimeError("the fork server has ended")
        return int(number)


class Forkserver:
    """The server, seen from its one user."""

    def __init__(self, modules: Sequence[str], environment: Mapping[str, str], *options: str) -> None:
        """Start a server that imports ``modules``; it ends when it is closed and no process of its own runs."""
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-P", *options, __file__, *modules]
        with theirs:
            self._process = subprocess.Popen(command, stdin=theirs.fileno(), env=environment)  # noqa: S603 - this file

    @classmethod
    @contextmanager
    def started(cls, modules: Sequence[str], environment: Mapping[str, str], *options: str) -> Iterator[Self]:
        """Start a server for the length of the block."""
        server = cls(modules, environment, *options)
        try:
            yield server
        finally:
            server.close()

    def close(self) -> None:
        """Let it end, and wait for that."""
        self._channel.close()
        self._process.wait()

    def start(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        directory: str = "",
        output: tuple[IO[bytes], IO[bytes]] | None = None,
    ) -> Forked:
        """Start a program, in this process's directory and with its output unless others are given."""
        task = Task(command=command, directory=directory or os.getcwd(), environment=environment)  # noqa: PTH109 - text
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        outputs = (1, 2) if output is None else (file.fileno() for file in output)
        with theirs, open(os.devnull, "rb") as nothing:  # noqa: PTH123 - no path
            files = [theirs.fileno(), nothing.fileno(), *outputs]
            socket.send_fds(self._channel, [json.dumps(task).encode()], files)
        return Forked(ours)

    def run(
        self, command: Sequence[str], environment: Mapping[str, str], directory: str = "", seconds: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end. Raises subprocess.TimeoutExpired, with its process killed."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as error:
            process = self.start(command, environment, directory, (out, error))
            try:
                code = process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise
            said = []
            for file in (out, error):
                file.seek(0)
                said.append(file.read().decode())
            return subprocess.CompletedProcess(command, code, *said)


class _Server:
    """The server itself: one thread, which forks and waits."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._selector = selectors.DefaultSelector()
        self._selector.register(channel, selectors.EVENT_READ)
        self._running: dict[int, tuple[int, socket.socket]] = {}
        """The id of each process, and where its end is told, by the file that is ready at its end."""

    def serve(self) -> Task:
        """Fork for each task; return it in the process that is to run it."""
        is_open = True
        while is_open or self._running:
            for key, _ in self._selector.select():
                if key.fd in self._running:
                    self._tell_end(key.fd)
                    continue
                task, files, _, _ = socket.recv_fds(self._channel, _LONGEST, _FILES)
                if not task:
                    is_open = False
                    self._selector.unregister(self._channel)
                elif self._forks(files):
                    return _entered(json.loads(task), files)
        sys.exit()

    def _forks(self, files: Sequence[int]) -> bool:
        """Fork; tell in the new process that it is the new one."""
        if threading.active_count() > 1:
            raise RuntimeError("a module has started a thread, which a fork would not have")
        child = os.fork()
        if child == 0:
            self._leave()
            return True
        told, *others = files
        for file in others:
            os.close(file)
        telling, ended = socket.socket(fileno=told), os.pidfd_open(child)
        self._running[ended] = (child, telling)
        self._selector.register(ended, selectors.EVENT_READ)
        telling.send(str(child).encode())
        return False

    def _tell_end(self, ended: int) -> None:
        child, telling = self._running.pop(ended)
        self._selector.unregister(ended)
        os.close(ended)
        _, status = os.waitpid(child, 0)
        with telling, suppress(BrokenPipeError):  # nobody may be left who wants to know
            telling.send(str(os.waitstatus_to_exitcode(status)).encode())

    def _leave(self) -> None:
        """Close in a new process what is the server's."""
        self._selector.close()
        self._channel.close()
        for ended, (_, telling) in self._running.items():
            os.close(ended)
            telling.close()


def _entered(task: Task, files: Sequence[int]) -> Task:
    """Take the files, directory and environment of a task."""
    told, *standard = files
    os.close(told)
    for number, file in enumerate(standard):
        os.dup2(file, number)
        os.close(file)
    os.chdir(task["directory"])
    os.environ.clear()
    os.environ.update(task["environment"])
    time.tzset()
    path = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [folder for folder in path if folder and folder not in sys.path]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return task


def _run(program: str, *arguments: str) -> None:
    match arguments:
        case "-m", module, *others:
            sys.argv = [module, *others]
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case "-c", code, *others:
            sys.argv = ["-c", *others]
            exec(code, {"__name__": "__main__"})  # noqa: S102 - as Python does
        case _:
            sys.argv = [program, *arguments]
            runpy.run_path(program, run_name="__main__")


def _main(*modules: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the tests, and their end ends this process
    gc.disable()
    for name in modules:
        import_module(name)
    gc.enable()
    gc.freeze()
    task = _Server(socket.socket(fileno=os.dup(0))).serve()
    try:
        _run(*task["command"])
    except SystemExit as ended:
        _end(ended.code)
    else:
        _end(None)


def _end(code: str | int | None) -> None:
    """End as Python does, but free nothing: that would copy each page that was imported, and take 70 ms."""
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001  no public name waits for all threads
    atexit._run_exitfuncs()  # noqa: SLF001  likewise
    if isinstance(code, str):
        print(code, file=sys.stderr)  # noqa: T201  as Python does
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    _main(*sys.argv[1:])
