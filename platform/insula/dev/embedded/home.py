"""The directory with the servers' state of one checkout, which one process at a time may hold."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from insula.dev.embedded.account import Account
from insula.dev.embedded.failure import EmbeddedError, with_cure

_SHARED_STATE = Path("/var/lib")
_TRAVERSE_ONLY = 0o711


def locate(data_dir: Path) -> Path:
    """Return the directory for the servers' state: ``data_dir``, or a fixed one that the servers' account can reach."""
    account = Account.for_servers()
    wanted = data_dir.absolute()
    if account.reaches(wanted):
        return wanted
    return _SHARED_STATE / f"insula-{hashlib.sha256(os.fsencode(wanted.resolve())).hexdigest()[:12]}"


def prepare(data_dir: Path) -> Path:
    """Create the caller's state directory; if it is outside ``data_dir``, ``data_dir/servers`` links to it."""
    account = Account.for_servers()
    home = locate(data_dir)
    try:
        for directory in {data_dir.absolute(), home}:
            directory.mkdir(parents=True, exist_ok=True)
        if home.stat().st_uid != os.geteuid():
            raise EmbeddedError(f"{home} belongs to another user: set INSULA_DATA_DIR to a directory of your own")
        home.chmod(0o700 if account.uid is None else _TRAVERSE_ONLY)
        _point_to(home, data_dir.absolute())
    except OSError as error:
        raise EmbeddedError(with_cure(f"cannot write to {error.filename or home}: {error.strerror}")) from error
    return home


def _point_to(home: Path, data_dir: Path) -> None:
    pointer = data_dir / "servers"
    if home != data_dir and not pointer.is_symlink():
        pointer.symlink_to(home)


def delete_data(data_dir: Path) -> bool:
    """Delete the databases, secrets and emails of ``data_dir``; return whether there were any.

    Deletes only what the local installation made. Raises EmbeddedError if its servers run.
    """
    home = locate(data_dir)
    found = [path for path in _made_in(home, data_dir) if path.exists()]
    if not found:
        return False
    with Lock(home).held():
        for path in found:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return True


def _made_in(home: Path, data_dir: Path) -> list[Path]:
    return [home / "postgres", home / "postgres.partial", home / "valkey", home / "secrets.json", data_dir / "mailbox"]


class Lock:
    """An exclusive lock on a state directory. The kernel releases it however its holder ends."""

    def __init__(self, home: Path) -> None:
        self._path = home / "lock"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock, or raise EmbeddedError with the holder's process id."""
        try:
            file = self._path.open("a+")
        except OSError as error:
            raise EmbeddedError(with_cure(f"cannot write to {self._path}: {error.strerror}")) from error
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
        """Return whether a process holds the lock now."""
        try:
            with self._path.open() as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False
