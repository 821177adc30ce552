"""The user that runs the servers: the caller, or ``nobody`` if the caller is root, which PostgreSQL refuses."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from insula.dev.embedded.failure import EmbeddedError


@dataclass(frozen=True, slots=True)
class Account:
    """The user and group that the servers run as; ``None`` means unchanged."""

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def for_servers(cls) -> "Account":
        """Return ``nobody`` for root, and an unchanged account otherwise."""
        if os.geteuid() != 0:
            return cls()
        try:
            nobody = pwd.getpwnam("nobody")
        except KeyError:
            raise EmbeddedError("PostgreSQL does not run as root and there is no user `nobody` here") from None
        return cls(nobody.pw_uid, nobody.pw_gid)

    def chown(self, path: Path) -> None:
        """Make this account the owner of ``path``."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def reaches(self, path: Path) -> bool:
        """Return whether this account can traverse to ``path`` (which need not exist yet)."""
        if self.uid is None:
            return True
        return all(_open_to_others(parent) for parent in path.resolve().parents if parent.exists())

    def reads(self, path: Path) -> bool:
        """Return whether this account can list, read and execute ``path``."""
        if self.uid is None:
            return True
        readable = stat.S_IROTH | stat.S_IXOTH
        return self.reaches(path) and path.stat().st_mode & readable == readable


def _open_to_others(directory: Path) -> bool:
    return bool(directory.stat().st_mode & stat.S_IXOTH)
