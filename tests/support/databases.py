"""Additional databases for a test, on its servers, and migrations of a next version."""

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg
import redis

from insula.core.settings import Settings
from insula.db.migrate import run as migrations
from insula.db.schema.branches import Branch, heads
from insula.dev.seed import seed
from tests.support.apps import DECLARED, INSTALLATION
from tests.support.cluster import create_database, drop_database, with_path

_REVISION = """
from alembic import op

from insula.db.migrate import online

revision = "{revision}"
down_revision = "{before}"


def upgrade():
    {lines}
"""


async def administer(settings: Settings, *statements: str) -> None:
    """Run statements as the superuser, each in its own transaction."""
    connection = await asyncpg.connect(settings.database_url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@asynccontextmanager
async def empty_database(settings: Settings) -> AsyncIterator[Settings]:
    """Give the settings of a new, empty database; dropped afterwards."""
    name = f"scratch_{secrets.token_hex(4)}"
    await administer(settings, f"CREATE DATABASE {name} TEMPLATE template0")
    try:
        yield _of(settings, name)
    finally:
        await administer(settings, f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def migrated_database(settings: Settings) -> AsyncIterator[Settings]:
    """Give the settings of a new database, equal to a newly migrated one; dropped afterwards."""
    name = f"migrated_{secrets.token_hex(4)}"
    await create_database(_maintenance(settings), name)
    try:
        migrations.migrate(own := _of(settings, name), DECLARED)  # also shows that it works in a running event loop
        yield own
    finally:
        await drop_database(_maintenance(settings), name)


@contextmanager
def database_without_tenants(settings: Settings) -> Iterator[Settings]:
    """Give the settings of a new, migrated database without a tenant; dropped afterwards."""
    name = f"demo_{secrets.token_hex(4)}"
    asyncio.run(create_database(_maintenance(settings), name))
    try:
        yield _of(settings, name)
    finally:
        asyncio.run(drop_database(_maintenance(settings), name))


@contextmanager
def demo_database(settings: Settings) -> Iterator[Settings]:
    """Yield the settings of a new database with only the demo data; dropped afterwards.

    Rows that other tests left in the shared database, such as a suspended demo tenant, have no effect here.
    """
    with database_without_tenants(settings) as own:
        with redis.Redis.from_url(settings.redis_url) as client:
            client.flushdb()  # forget the sign-ins of other tests from this address
        seed(own, INSTALLATION)
        yield own


def _of(settings: Settings, database: str) -> Settings:
    return settings.model_copy(update={"database_url": with_path(settings.database_url, database)})


def _maintenance(settings: Settings) -> str:
    return with_path(settings.database_url, "postgres")


class NextVersion:
    """Adds revisions to the end of a branch, as a newer version of the code would."""

    def __init__(self, directory: Path, branch: str = "probe") -> None:
        [own] = [each for each in DECLARED.branches if each.name == branch]
        self.folder = Path(shutil.copytree(own.folder, directory / branch))
        self._head = heads(DECLARED.branches)[branch]
        newer = tuple(Branch(branch, self.folder) if each is own else each for each in DECLARED.branches)
        self.declared = replace(DECLARED, branches=newer)

    def add(self, revision: str, *statements: str) -> None:
        """Add a revision that runs these SQL statements."""
        self.write(revision, *(f"op.execute({statement!r})" for statement in statements))

    def write(self, revision: str, *lines: str) -> None:
        """Add a revision that runs these lines of Python."""
        source = _REVISION.format(revision=revision, before=self._head, lines="\n    ".join(lines))
        (self.folder / f"{revision}.py").write_text(source)
        self._head = revision
