"""The servers of one run, configured for this size, and the production settings for each database."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
from pydantic import SecretStr

from benchmarks.growth.size import Size
from benchmarks.testbed import HOST, with_path
from insula.core.settings import AuthSettings, DatabaseSettings, MailSettings, Settings
from insula.dev.embedded import Cluster

_SERVER: Final = {"shared_buffers": "1GB", "max_wal_size": "4GB", "checkpoint_timeout": "30min"}
_TOKEN_SECONDS: Final = 3_600  # longer than a run, so that tokens stay valid


@dataclass(frozen=True)
class Testbed:
    """The running servers."""

    directory: Path
    cluster: Cluster

    @property
    def postmaster(self) -> int:
        """PostgreSQL's main process."""
        return int((self.cluster.home / "postgres" / "postmaster.pid").read_text().split()[0])

    @property
    def database_log(self) -> Path:
        """PostgreSQL's log."""
        return self.cluster.home / "postgres.log"

    def settings(self, size: Size, number: int) -> Settings:
        """Return the production settings for the database of this size; all others are defaults."""
        secrets = self.cluster.secrets
        return Settings(
            environment="production",
            public_url=f"https://{HOST}",
            base_domain=HOST,
            database_url=with_path(self.cluster.database_url, size.key),
            redis_url=with_path(self.cluster.redis_url, str(number)),
            data_dir=self.directory,
            database=DatabaseSettings(roles_secret=SecretStr(secrets.roles_secret)),
            auth=AuthSettings(
                key_encryption_key=SecretStr(secrets.key_encryption_key), access_token_seconds=_TOKEN_SECONDS
            ),
            mail=MailSettings(host="localhost"),
        )


@contextmanager
def start_testbed(kept: Path | None) -> Iterator[Testbed]:
    """Start the servers in a temporary directory, or in the directory that is ``kept`` for the next run."""
    directory = kept.resolve() if kept else Path(tempfile.mkdtemp(prefix="insula-growth-"))
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o711)
    try:
        with _running(directory) as cluster:
            asyncio.run(_set_up(cluster.database_url))
        with _running(directory) as cluster:
            yield Testbed(directory, cluster)
    finally:
        if kept is None:
            shutil.rmtree(directory)


@contextmanager
def _running(directory: Path) -> Iterator[Cluster]:
    cluster = Cluster(directory / "data")
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


async def _set_up(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for name, value in _SERVER.items():
            await connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    finally:
        await connection.close()
