"""The servers of one test run: started by the controller, with a cloned database for each xdist worker.

If the environment variable ``INSULA_TEST_SERVERS`` is set (``Servers.to_wire`` as JSON), the tests use these running
servers with one database instead: ``make prove`` runs each suite on a database with another mutant.
"""

import asyncio
import json
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Final, Self
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import redis
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from insula.apps.settings import complete
from insula.core.settings import AuthSettings, DatabaseSettings, Settings
from insula.db.migrate.run import migrate
from insula.db.schema.provision import hand_over
from insula.dev.embedded import Cluster
from tests.probe.installation import INSTALLATION, REFERENCE
from tests.support.apps import DECLARED
from tests.support.secrets import with_secrets

RUNNING: Final = "INSULA_TEST_SERVERS"
_TEMPLATE = "insula"
_MAINTENANCE = "postgres"
_START_SECONDS = 120.0  # the machine runs other tests too
WEBHOOK_SECRET: Final = "whsec_of_the_tests"


@dataclass(frozen=True)
class Servers:
    """The addresses for one xdist worker; plain strings, since it reads them from a file."""

    database_url: str
    redis_url: str
    roles_secret: str
    key_encryption_key: str
    data_dir: str
    webhook_secret: str = WEBHOOK_SECRET
    direct_url: str = ""
    """The database itself, if ``database_url`` is a transaction pooler's."""

    @property
    def database(self) -> str:
        """The database's name."""
        return urlsplit(self.database_url).path.removeprefix("/")

    def settings(self) -> Settings:
        """Return this worker's settings."""
        settings = Settings(
            environment="test",
            installation=REFERENCE,
            database_url=self.database_url,
            redis_url=self.redis_url,
            data_dir=Path(self.data_dir),
            log_format="json",
            database=DatabaseSettings(
                roles_secret=SecretStr(self.roles_secret), direct_url=self.direct_url, pooler=bool(self.direct_url)
            ),
            auth=AuthSettings(key_encryption_key=SecretStr(self.key_encryption_key)),
        )
        return with_secrets(complete(settings, INSTALLATION), self.webhook_secret)

    def to_wire(self) -> dict[str, str]:
        """Return the fields as a dictionary for JSON."""
        return asdict(self)

    @classmethod
    def awaited_from(cls, file: Path) -> Self:
        """Return the servers that `TestServers.create_requested_clones` writes to the file; wait for it."""
        deadline, pause = monotonic() + _START_SECONDS, Event()
        while not file.exists():
            if monotonic() > deadline:
                raise TimeoutError(f"no servers within {_START_SECONDS} s")
            pause.wait(0.02)
        return cls(**json.loads(file.read_text()))


class TestServers:
    """One throw-away cluster, started for the first test that needs it, with a migrated template database.

    Or the running servers ``given``, with one database for the one process that uses it.
    """

    __test__ = False

    def __init__(self, given: Servers | None = None, postgres_bin: Path | None = None) -> None:
        self._given = given
        self._postgres_bin = postgres_bin
        self._cluster: Cluster | None = None
        self._directory = ""
        self._clones = 0
        self._requested: dict[str, Path] = {}

    def clone(self, name: str) -> Servers:
        """Return the servers with a new database for ``name``, equal to a newly migrated one."""
        if self._given is not None:
            return self._only(name)
        cluster = self._cluster or self._start()
        self._clones += 1
        database = f"test_{name}"
        asyncio.run(create_database(with_path(cluster.database_url, _MAINTENANCE), database))
        servers = self._servers(cluster, database, self._clones)
        migrate(servers.settings(), DECLARED)  # rights on the database itself are not cloned
        return servers

    def request_clone(self, name: str) -> Path:
        """Return the file from which ``name`` reads its clone's addresses; written at once if the servers run."""
        self._requested[name] = file = Path(self._place(), f"{name}.json")
        if self._cluster is not None:
            self.create_requested_clones()
        return file

    def create_requested_clones(self) -> None:
        """Clone a database for each name that requested one."""
        for name, file in self._requested.items():
            partial = file.with_suffix(".partial")
            partial.touch(mode=0o600)
            partial.write_text(json.dumps(self.clone(name).to_wire()))
            partial.rename(file)
        self._requested.clear()

    def start(self) -> None:
        """Start the servers now, from the main thread: they end with it."""
        if self._cluster is None:
            self._start()

    def lend(self, name: str, redis_index: int) -> Servers:
        """Return the servers with a fresh database and an empty Valkey index; end it with ``drop``."""
        cluster = self._cluster or self._start()
        servers = self._servers(cluster, name, redis_index)
        asyncio.run(create_database(with_path(cluster.database_url, _MAINTENANCE), name))
        with redis.Redis.from_url(servers.redis_url) as client:
            client.flushdb()
        return servers

    def drop(self, servers: Servers) -> None:
        """Drop a database that was lent, and end the connections to it."""
        asyncio.run(drop_database(with_path(servers.database_url, _MAINTENANCE), servers.database))

    def stop(self) -> None:
        """Stop the servers and remove their files."""
        if self._cluster is not None:
            self._cluster.stop()
        if self._directory:
            shutil.rmtree(self._directory)

    def _only(self, name: str) -> Servers:
        if self._given is None or self._clones:
            raise RuntimeError(f"{RUNNING} names one database, and {name} is a second user: run with -n0")
        self._clones += 1
        return self._given

    def _place(self) -> Path:
        """Return the directory for the files of the servers and their users, which the servers' account can reach."""
        if not self._directory:
            self._directory = tempfile.mkdtemp(prefix="insula-test-")
            Path(self._directory).chmod(0o711)
        return Path(self._directory)

    def _start(self) -> Cluster:
        cluster = Cluster(Path(self._place(), "data"), durable=False, postgres_bin=self._postgres_bin)
        cluster.start()
        self._cluster = cluster
        migrate(self._servers(cluster, _TEMPLATE, 0).settings(), DECLARED)
        return cluster

    def _servers(self, cluster: Cluster, database: str, redis_index: int) -> Servers:
        return Servers(
            database_url=with_path(cluster.database_url, database),
            redis_url=with_path(cluster.redis_url, str(redis_index)),
            roles_secret=cluster.secrets.roles_secret,
            key_encryption_key=cluster.secrets.key_encryption_key,
            data_dir=self._directory,
        )


def superuser_url(settings: Settings) -> str:
    """Return the superuser's URL, with which tests arrange and read rows: no policies, no pooler."""
    address = settings.database.direct_url or settings.database_url
    return make_url(address).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


def with_path(url: str, path: str) -> str:
    """Return ``url`` with another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{path}"))


async def create_database(url: str, name: str) -> None:
    """Create a database like a newly migrated one; ``url`` is another database of the same cluster."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{_TEMPLATE}"')
    finally:
        await connection.close()
    clone = await asyncpg.connect(with_path(url, name))
    try:
        await hand_over(clone, DECLARED.roles)  # cloning copies rights on tables, not on the database
    finally:
        await clone.close()


async def drop_database(url: str, name: str) -> None:
    """Drop a database, and end the connections to it."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await connection.close()
