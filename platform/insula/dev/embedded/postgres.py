"""PostgreSQL: created once, started on a free loopback port, with SCRAM passwords only."""

import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from insula.dev.embedded.account import Account
from insula.dev.embedded.failure import EmbeddedError, with_cure
from insula.dev.embedded.process import Server, error_line, fresh_log, guarded, wait_until_vacant
from insula.dev.embedded.software import Software

SUPERUSER = "insula_superuser"
DATABASE = "insula"
_STATUS_LINE = 7
_BUILTIN_LOCALES = 17
_ALWAYS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_THROWAWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "1h",
}


@dataclass(frozen=True, slots=True)
class Postgres:
    """One PostgreSQL in ``home/postgres``, created on first use."""

    software: Software
    account: Account
    home: Path
    password: str
    durable: bool

    @property
    def data(self) -> Path:
        """The data directory. It exists only complete: it is created under another name and then renamed."""
        return self.home / "postgres"

    def create(self) -> None:
        """Create the data directory and the database if they are missing."""
        if self.data.exists():
            self._check_version()
            return
        partial, log = self.home / "postgres.partial", fresh_log(self.home / "initdb.log")
        wait_until_vacant(partial, "initdb")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700)
        self.account.chown(partial)
        self._initdb(partial, log)
        self._run(log, "postgres", "--single", "-D", partial, "postgres", stdin=f"CREATE DATABASE {DATABASE};\n")
        partial.rename(self.data)

    def start(self, port: int) -> Server:
        """Start the server; `is_ready` shows when it accepts connections."""
        wait_until_vacant(self.data, "PostgreSQL")
        # No process uses the directory, so a lock file is left from a crash; its process id may be reused by now.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        options = {**_ALWAYS, **({} if self.durable else _THROWAWAY), "port": str(port)}
        return Server.spawn(
            "PostgreSQL",
            [
                self.software.postgres_bin / "postgres",
                *("-D", self.data),
                *(word for name, value in options.items() for word in ("-c", f"{name}={value}")),
            ],
            account=self.account,
            death=signal.SIGINT,  # fast shutdown
            directory=self.data,
            log=fresh_log(self.home / "postgres.log"),
        )

    def is_ready(self) -> bool:
        """Return whether the server accepts connections, by the status in its lock file."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == "ready"

    def url(self, port: int) -> str:
        """Return the superuser's URL."""
        return f"postgresql://{SUPERUSER}:{self.password}@127.0.0.1:{port}/{DATABASE}"

    def _initdb(self, target: Path, log: Path) -> None:
        password_file = self.home / f"password.{secrets.token_hex(8)}"
        password_file.touch(mode=0o600, exist_ok=False)
        try:
            password_file.write_text(self.password)
            self.account.chown(password_file)
            self._run(
                log,
                "initdb",
                *("-D", target, "--username", SUPERUSER, "--pwfile", password_file, "--auth", "scram-sha-256"),
                *("--encoding", "UTF8", *self._locale()),
                *(() if self.durable else ("--no-sync",)),
            )
        finally:
            password_file.unlink()

    def _locale(self) -> tuple[str, ...]:
        """Return the options for the same text order everywhere; versions before 17 take it from the system."""
        if int(self.software.postgres_major) < _BUILTIN_LOCALES:
            return ("--locale", "C.UTF-8")
        return ("--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8")

    def _run(self, log: Path, program: str, *arguments: str | Path, stdin: str = "") -> None:
        command = guarded([self.software.postgres_bin / program, *arguments], signal.SIGKILL, self.account)
        with log.open("ab") as output:
            done = subprocess.run(  # noqa: S603  a fixed binary, no shell
                command,
                input=stdin.encode(),
                stdout=output,
                stderr=output,
                cwd="/",
                env={"TZ": "UTC", "LC_ALL": "C", "PATH": "/usr/bin:/bin"},
                check=False,
            )
        if done.returncode != 0:
            raise EmbeddedError(with_cure(f"the database could not be created: {error_line(log)}", f"{log} says more"))

    def _check_version(self) -> None:
        try:
            made_by = (self.data / "PG_VERSION").read_text().strip()
        except OSError as error:
            raise EmbeddedError(
                f"{self.data} holds no usable database ({error.strerror}): restore it, or `insula reset` deletes it"
            ) from error
        if made_by != self.software.postgres_major:
            raise EmbeddedError(
                f"{self.data} was made by PostgreSQL {made_by}, this is {self.software.postgres_major}: "
                "`insula backup` with the old version, then `insula restore`"
            )
