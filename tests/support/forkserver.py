"""Runs Python programs in processes forked from one that has already imported their modules.

Each program has its own process id, signals, files and exit status. The server is run as a script with ``-P``, so that
it imports only the given modules.
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
"""Options for pytest in a process that imported the libraries, and pytest plugins, before pytest could rewrite them."""

_LONGEST = 1 << 17
_FILES = 4


class Task(TypedDict):
    """A program to run; its standard files and the socket for its id and exit status are sent with it."""

    command: Sequence[str]
    """``python -m MODULE``, ``python -c CODE`` or a script of Python, and its arguments."""
    directory: str
    environment: Mapping[str, str]


class Forked:
    """A process that was forked, with the methods of ``subprocess.Popen`` that tests use."""

    def __init__(self, status_socket: socket.socket) -> None:
        self._status_socket = status_socket
        self.pid = self._next()
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status when it has ended. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            self._status_socket.settimeout(timeout)
            try:
                self.returncode = self._next()
            except (BlockingIOError, TimeoutError):
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0) from None
            self._status_socket.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.wait()

    def _next(self) -> int:
        number = self._status_socket.recv(_LONGEST)
        if not number:
            raise RuntimeError("the fork server has ended")
        return int(number)


class Forkserver:
    """The client's side of the server; it has one client."""

    def __init__(self, modules: Sequence[str], environment: Mapping[str, str], *options: str) -> None:
        """Start a server that imports ``modules``; it ends when it is closed and none of its processes runs."""
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
        """Close the channel, and wait until the server has ended."""
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
            streams = []
            for file in (out, error):
                file.seek(0)
                streams.append(file.read().decode())
            return subprocess.CompletedProcess(command, code, *streams)


class _Server:
    """The server itself: one thread, which forks and waits."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._selector = selectors.DefaultSelector()
        self._selector.register(channel, selectors.EVENT_READ)
        self._running: dict[int, tuple[int, socket.socket]] = {}
        """The id of each process and the socket for its exit status, by its pidfd."""

    def serve(self) -> Task:
        """Fork for each task; in the new process return the task."""
        is_open = True
        while is_open or self._running:
            for key, _ in self._selector.select():
                if key.fd in self._running:
                    self._send_status(key.fd)
                    continue
                task, files, _, _ = socket.recv_fds(self._channel, _LONGEST, _FILES)
                if not task:
                    is_open = False
                    self._selector.unregister(self._channel)
                elif self._forks(files):
                    return _entered(json.loads(task), files)
        sys.exit()

    def _forks(self, files: Sequence[int]) -> bool:
        """Fork; return True in the new process and False in the server."""
        if threading.active_count() > 1:
            raise RuntimeError("a module has started a thread, which a fork would not have")
        child = os.fork()
        if child == 0:
            self._leave()
            return True
        status_file, *others = files
        for file in others:
            os.close(file)
        status_end, ended = socket.socket(fileno=status_file), os.pidfd_open(child)
        self._running[ended] = (child, status_end)
        self._selector.register(ended, selectors.EVENT_READ)
        status_end.send(str(child).encode())
        return False

    def _send_status(self, ended: int) -> None:
        child, status_end = self._running.pop(ended)
        self._selector.unregister(ended)
        os.close(ended)
        _, status = os.waitpid(child, 0)
        with status_end, suppress(BrokenPipeError):  # the client may have closed its end
            status_end.send(str(os.waitstatus_to_exitcode(status)).encode())

    def _leave(self) -> None:
        """Close the server's files in a new process."""
        self._selector.close()
        self._channel.close()
        for ended, (_, status_end) in self._running.items():
            os.close(ended)
            status_end.close()


def _entered(task: Task, files: Sequence[int]) -> Task:
    """Take the files, directory and environment of a task."""
    status_file, *standard = files
    os.close(status_file)
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
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # on Ctrl-C the tests end first, and then this process
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
    """End like Python, but without freeing memory: that would copy every shared page, and take 70 ms."""
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001  no public name waits for all threads
    atexit._run_exitfuncs()  # noqa: SLF001  likewise
    if isinstance(code, str):
        print(code, file=sys.stderr)  # noqa: T201  as Python does
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    _main(*sys.argv[1:])
