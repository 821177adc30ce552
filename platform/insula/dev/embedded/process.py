"""A server process tied to this process: it ends when this process ends, for any reason."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from insula.dev.embedded import guard
from insula.dev.embedded.account import Account
from insula.dev.embedded.failure import EmbeddedError, with_cure

_POLL_SECONDS = 0.01


def guarded(command: Sequence[str | Path], death: signal.Signals, account: Account = Account()) -> list[str]:  # noqa: B008  frozen
    """Return a command line that runs ``command`` as ``account`` and sends it ``death`` when this process dies."""
    if threading.current_thread() is not threading.main_thread():
        # The kernel sends the death signal when the *thread* that started the child ends.
        raise RuntimeError("servers are started from the main thread only")
    uid, gid = ("" if number is None else str(number) for number in (account.uid, account.gid))
    prefix = [sys.executable, "-I", "-S", str(Path(guard.__file__)), str(os.getpid()), str(int(death)), uid, gid]
    return [*prefix, *(str(part) for part in command)]


class Server:
    """A running server and its log."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self._name = name
        self._process = process
        self._log = log

    @classmethod
    def spawn(  # noqa: PLR0913  the parameters of one process, by keyword
        cls,
        name: str,
        command: Sequence[str | Path],
        *,
        account: Account,
        death: signal.Signals,
        directory: Path,
        log: Path,
        stdin: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> "Server":
        """Start ``command`` in its own session, so that a terminal's Ctrl-C reaches only the supervisor."""
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603  a fixed binary, no shell
                guarded(command, death, account),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                cwd=directory,
                env={"TZ": "UTC", "LC_ALL": "C", **(environment or {})},
                start_new_session=True,
            )
        if process.stdin is not None:
            process.stdin.write(stdin.encode())
            process.stdin.close()
        return cls(name, process, log)

    def wait_until(self, ready: Callable[[], bool], seconds: float = 60.0) -> None:
        """Return once ``ready`` is true; raise with the log's error line if the server ends or takes too long."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self._process.poll() is not None:
                raise EmbeddedError(with_cure(f"{self._name} did not start: {error_line(self._log)}", _see(self._log)))
            if time.monotonic() > deadline:
                raise EmbeddedError(f"{self._name} is not ready after {seconds:.0f} s (log: {self._log})")
            time.sleep(_POLL_SECONDS)

    def check(self) -> None:
        """Raise if the server has ended."""
        if self._process.poll() is not None:
            raise EmbeddedError(with_cure(f"{self._name} ended: {error_line(self._log)}", _see(self._log)))

    def stop(self, *signals: signal.Signals, seconds: float = 10.0) -> None:
        """Send ``signals`` one after the other, then SIGKILL, until the server has ended."""
        for number in (*signals, signal.SIGKILL):
            if self._process.poll() is None:
                self._process.send_signal(number)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
            return

    @property
    def pid(self) -> int:
        """The process id of the server itself, since the guard execs it."""
        return self._process.pid


def _see(log: Path) -> str:
    return f"{log} says more; if the data is damaged, `insula reset` deletes the local databases"


def error_line(log: Path) -> str:
    """Return the last line of ``log`` with a failure, or the last line."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    failures = [line for line in lines if any(mark in line.lower() for mark in ("fatal", "error", "panic"))]
    return (failures or lines or ["it printed nothing"])[-1].strip()


def occupants(directory: Path) -> list[int]:
    """Return the ids of the processes whose working directory is ``directory``."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").readlink() == directory.resolve():
                found.append(int(entry.name))
        except OSError:  # ended meanwhile, or not visible to us
            continue
    return found


def wait_until_vacant(directory: Path, name: str, seconds: float = 15.0) -> None:
    """Wait for an earlier server that is shutting down; raise if it stays."""
    deadline = time.monotonic() + seconds
    while left := occupants(directory):
        if time.monotonic() > deadline:
            raise EmbeddedError(f"an old {name} (process {left[0]}) still runs in {directory}: stop it first")
        time.sleep(_POLL_SECONDS)


def fresh_log(path: Path) -> Path:
    """Return ``path`` as an empty file; keep the previous file as ``.log.1``."""
    if path.exists():
        path.replace(path.with_suffix(".log.1"))
    path.touch(mode=0o600)
    return path
