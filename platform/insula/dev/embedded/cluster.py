"""PostgreSQL and Valkey in one data directory, under one lock."""

import contextlib
import signal
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from insula.dev.embedded.account import Account
from insula.dev.embedded.failure import EmbeddedError
from insula.dev.embedded.home import Lock, prepare
from insula.dev.embedded.postgres import Postgres
from insula.dev.embedded.process import Server
from insula.dev.embedded.secrets import LocalSecrets
from insula.dev.embedded.software import Software
from insula.dev.embedded.valkey import Valkey

_ATTEMPTS = 3


class Cluster:
    """The embedded servers of one data directory.

    ``durable=False`` gives up durability for speed, for tests. Start it from the main thread: the servers die with
    the thread that started them. ``postgres_bin`` is the folder of another PostgreSQL's programs, executable by all.
    """

    def __init__(self, data_dir: Path, *, durable: bool = True, postgres_bin: Path | None = None) -> None:
        self._data_dir = data_dir
        self._postgres_bin = postgres_bin
        self._durable = durable
        self._stack = contextlib.ExitStack()
        self.database_url = ""
        self.redis_url = ""
        self._servers: tuple[Server, ...] = ()

    @property
    def home(self) -> Path:
        """The directory of the servers' state: the data directory, or another one if the servers cannot reach that."""
        return self._home

    @property
    def secrets(self) -> LocalSecrets:
        """The secrets of this installation, generated once."""
        return self._secrets

    def start(self) -> None:
        """Create what is missing, start both servers and return when both answer."""
        with contextlib.ExitStack() as stack:
            account = Account.for_servers()
            self._home = prepare(self._data_dir)
            stack.enter_context(Lock(self._home).held())
            self._secrets = LocalSecrets.load_or_create(self._home)
            software = Software.installed().for_account(account, self._home)
            if self._postgres_bin is not None:
                software = software.with_postgres(self._postgres_bin)
            postgres = Postgres(software, account, self._home, self._secrets.superuser_password, self._durable)
            valkey = Valkey(software, account, self._home, self._secrets.redis_password, self._durable)
            postgres.create()
            self._start_servers(stack, postgres, valkey)
            self._stack = stack.pop_all()

    def check(self) -> None:
        """Raise if a server has ended without being stopped."""
        for server in self._servers:
            server.check()

    def stop(self) -> None:
        """Stop both servers in order and release the directory. Does nothing if they are not started."""
        self._stack.close()

    def _start_servers(self, stack: contextlib.ExitStack, postgres: Postgres, valkey: Valkey) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            database_port, redis_port = free_port(), free_port()
            with contextlib.ExitStack() as tried:
                redis = tried.enter_context(_running(valkey.start(redis_port), signal.SIGTERM))
                database = tried.enter_context(_running(postgres.start(database_port), signal.SIGINT, signal.SIGQUIT))
                try:
                    redis.wait_until(partial(valkey.is_ready, redis_port))
                    database.wait_until(postgres.is_ready)
                except EmbeddedError as error:
                    if attempt < _ATTEMPTS and "in use" in str(error):  # another process took the port
                        continue
                    raise
                self.database_url, self.redis_url = postgres.url(database_port), valkey.url(redis_port)
                self._servers = (redis, database)
                stack.push(tried.pop_all())
                return


@contextlib.contextmanager
def _running(server: Server, *stop_with: signal.Signals) -> Iterator[Server]:
    try:
        yield server
    finally:
        server.stop(*stop_with)


def free_port() -> int:
    """Return a loopback port that was free a moment ago; binding it may still fail."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
