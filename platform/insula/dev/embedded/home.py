"""Where the servers of one checkout keep their state, held by one process at a time."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from insula.dev.embedded.account import Account
from insula.dev.embedded.failure import EmbeddedError

_SHARED_STATE = Path("/var/lib")
_TRAVERSE_ONLY = 0o711


def locate(data_dir: Path, account: Account) -> Path:
    """Return the directory for the servers' state: ``data_dir``, or a stable place that ``account`` can reach."""
    wanted = data_dir.absolute()
    if account.reaches(wanted):
        return wanted
    return _SHARED_STATE / f"insula-{hashlib.sha256(os.fsencode(wanted.resolve())).hexdigest()[:12]}"


def prepare(data_dir: Path) -> Path:
    """Make the state directory, owned by the caller, and return it; ``data_dir/servers`` points to it if it is away."""
    account = Account.for_servers()
    home = locate(data_dir, account)
    try:
        for directory in {data_dir.absolute(), home}:
            directory.mkdir(parents=True, exist_ok=True)
        if home.stat().st_uid != os.geteuid():
            raise EmbeddedError(f"{home} belongs to another user: set INSULA_DATA_DIR to a directory of your own")
        home.chmod(0o700 if account.uid is None else _TRAVERSE_ONLY)
        _point_to(home, data_dir.absolute())
    except OSError as error:
        raise EmbeddedError(f"cannot write to {error.filename or home}: {error.strerror}") from error
    return home


def _point_to(home: Path, data_dir: Path) -> None:
    pointer = data_dir / "servers"
    if home != data_dir and not pointer.is_symlink():
        pointer.symlink_to(home)


class Lock:
    """An exclusive lock on a state directory, released by the kernel however its holder ends."""

    def __init__(self, home: Path) -> None:
        self._path = home / "lock"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock, or say who has it."""
        try:
            file = self._path.open("a+")
        except OSError as error:
            raise EmbeddedError(f"cannot write to {self._path}: {error.strerror}") from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                holder = file.read().strip() or "unknown"
                raise EmbeddedError(f"{self._path.parent} is in use by process {holder}: stop that one first") from None
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            yield

    def is_held(self) -> bool:
        """Tell whether a process holds the lock now."""
        try:
            with self._path.open() as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False
