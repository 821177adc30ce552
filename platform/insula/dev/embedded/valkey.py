"""Valkey: started on a free loopback port, with a password."""

import contextlib
import signal
import socket
from dataclasses import dataclass
from pathlib import Path

from insula.dev.embedded.account import Account
from insula.dev.embedded.process import Server, fresh_log, wait_until_vacant
from insula.dev.embedded.software import Software


@dataclass(frozen=True, slots=True)
class Valkey:
    """One Valkey in ``home/valkey``."""

    software: Software
    account: Account
    home: Path
    password: str
    durable: bool

    def start(self, port: int) -> Server:
        """Start the server. It reads its configuration from standard input, so that ``ps`` shows no password."""
        directory = self.home / "valkey"
        directory.mkdir(mode=0o700, exist_ok=True)
        self.account.chown(directory)
        wait_until_vacant(directory, "Valkey")
        return Server.spawn(
            "Valkey",
            [self.software.valkey_server, "-"],
            account=self.account,
            death=signal.SIGTERM,
            directory=directory,
            log=fresh_log(self.home / "valkey.log"),
            stdin=self._configuration(port, directory),
        )

    def is_ready(self, port: int) -> bool:
        """Return whether the server answers."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as probe:
            probe.sendall(f"AUTH {self.password}\r\nPING\r\nQUIT\r\n".encode())
            return b"+PONG" in probe.makefile("rb").read()
        return False

    def url(self, port: int) -> str:
        """Return the URL of database 0."""
        return f"redis://:{self.password}@127.0.0.1:{port}/0"

    def _configuration(self, port: int, directory: Path) -> str:
        lines = [
            "bind 127.0.0.1",
            f"port {port}",
            f"requirepass {self.password}",
            f'dir "{directory}"',
            "databases 64",
            'save ""',
            f"appendonly {'yes' if self.durable else 'no'}",
        ]
        return "\n".join(lines) + "\n"
