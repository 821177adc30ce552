"""PgBouncer in transaction mode, in front of a test run's database: few connections, shared by all tenants."""

import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from insula.core.settings import Settings
from insula.db.engine.roles import role_password
from insula.dev.embedded.account import Account
from insula.dev.embedded.cluster import free_port
from insula.dev.embedded.process import Server
from tests.support.apps import DECLARED

BINARY: Final = Path("/usr/sbin/pgbouncer")
"""Debian's; ``make system-deps`` installs it."""


def is_here() -> bool:
    """Return whether PgBouncer is installed."""
    return BINARY.exists()


@contextmanager
def pooled(settings: Settings, size: int = 2) -> Iterator[Settings]:
    """Yield ``settings`` that use a pooler for everything but LISTEN, with ``size`` connections for each role."""
    database = settings.database.model_copy(update={"direct_url": settings.database_url, "pooler": True})
    with pooling(settings, size) as url:
        yield settings.model_copy(update={"database_url": url, "database": database})


@contextmanager
def pooling(settings: Settings, size: int = 2) -> Iterator[str]:
    """Start a pooler in front of the settings' database; yield the superuser's URL. From the main thread only."""
    account, port = Account.for_servers(), free_port()
    home = Path(tempfile.mkdtemp(prefix="insula-pooler-"))
    try:
        log = home / "pgbouncer.log"
        for name, text in _files(settings, port, size).items():
            (home / name).write_text(text)
            account.chown(home / name)
        account.chown(home)
        server = Server.spawn(
            "PgBouncer",
            [BINARY, home / "pgbouncer.ini"],
            account=account,
            death=signal.SIGTERM,
            directory=home,
            log=log,
        )
        try:
            server.wait_until(partial(_answers, port))
            yield _at(settings.database_url, port)
        finally:
            server.stop(signal.SIGTERM)
    finally:
        shutil.rmtree(home)


def _files(settings: Settings, port: int, size: int) -> dict[str, str]:
    there = urlsplit(settings.database_url)
    users = {str(role): role_password(settings, role) for role in DECLARED.roles}
    users[there.username or ""] = there.password or ""
    lines = [
        "[databases]",
        f"* = host={there.hostname} port={there.port}",
        "[pgbouncer]",
        "listen_addr = 127.0.0.1",
        f"listen_port = {port}",
        "unix_socket_dir =",
        "pool_mode = transaction",
        f"default_pool_size = {size}",
        "max_client_conn = 1000",
        "auth_type = scram-sha-256",
        "auth_file = users.txt",
        "log_connections = 0",
        "log_disconnections = 0",
    ]
    return {
        "pgbouncer.ini": "\n".join(lines) + "\n",
        "users.txt": "".join(f'"{name}" "{password}"\n' for name, password in users.items()),
    }


def _at(url: str, port: int) -> str:
    there = urlsplit(url)
    login, _, _ = there.netloc.rpartition("@")
    return urlunsplit(there._replace(netloc=f"{login}@127.0.0.1:{port}"))


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
