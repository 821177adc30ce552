"""Servers for one test, which can crash and restart on the same port with all acknowledged data."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg

from insula.core.settings import Settings
from insula.db.migrate.run import migrate
from insula.dev.embedded import LocalSecrets, Software, prepare
from insula.dev.embedded.account import Account
from insula.dev.embedded.cluster import free_port
from insula.dev.embedded.postgres import Postgres
from insula.dev.embedded.process import occupants
from tests.support.apps import DECLARED
from tests.support.cluster import Servers


class MortalPostgres:
    """One durable, migrated PostgreSQL, in a directory that its account can reach."""

    def __init__(self, directory: Path, redis_url: str) -> None:
        account, home = Account.for_servers(), prepare(directory)
        secrets = LocalSecrets.load_or_create(home)
        software = Software.installed().for_account(account, home)
        self._postgres = Postgres(software, account, home, secrets.superuser_password, durable=True)
        self._postgres.create()
        self._port = free_port()
        self.start()
        self.settings: Settings = Servers(
            database_url=self._postgres.url(self._port),
            redis_url=redis_url,
            roles_secret=secrets.roles_secret,
            key_encryption_key=secrets.key_encryption_key,
            data_dir=str(directory),
        ).settings()
        migrate(self.settings, DECLARED)

    def start(self) -> None:
        """Start, and return once it accepts connections."""
        self._server = self._postgres.start(self._port)
        self._wait()

    async def started(self) -> None:
        """Call ``start`` in a thread."""
        self._server = self._postgres.start(self._port)
        await asyncio.to_thread(self._wait)

    async def crashed(self) -> None:
        """Call ``crash`` in a thread."""
        await asyncio.to_thread(self.crash)

    def crash(self) -> None:
        """Stop at once without a shutdown: ``pg_ctl stop -m immediate``."""
        self._server.stop(signal.SIGQUIT)

    def freeze(self) -> None:
        """Suspend the server and its backends: connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Resume them."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        os.kill(self._server.pid, number)  # the postmaster first, so that it starts no further backend
        for process in occupants(self._postgres.data):
            with suppress(ProcessLookupError):
                os.kill(process, number)

    async def end_backends(self) -> int:
        """Terminate every backend of the apps; return how many there were."""
        connection = await asyncpg.connect(self.settings.database_url)
        try:
            ended = await connection.fetchval(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND usename LIKE 'insula\\_%'"
            )
            return int(ended)
        finally:
            await connection.close()

    def _wait(self) -> None:
        self._server.wait_until(self._postgres.is_ready)


@contextmanager
def mortal_postgres(directory: Path, redis_url: str) -> Iterator[MortalPostgres]:
    """Run such a PostgreSQL during the block."""
    server = MortalPostgres(directory, redis_url)
    try:
        yield server
    finally:
        server.crash()
