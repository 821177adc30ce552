"""Databases of a test's own, on the servers that it has anyway, and revisions that the next version would bring."""

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from alembic.config import Config

from insula.db import migrate as migrations
from insula.settings import Settings
from tests.support.cluster import with_path

_VERSIONS = Path(__file__).parents[2] / "migrations" / "versions"
_REVISION = """
from alembic import op

from insula.db import online

revision = "{revision}"
down_revision = "{before}"


def upgrade():
    {lines}
"""


async def administer(settings: Settings, *statements: str) -> None:
    """Run statements as the superuser, each in a transaction of its own."""
    connection = await asyncpg.connect(settings.database_url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@asynccontextmanager
async def migrated_database(settings: Settings) -> AsyncIterator[Settings]:
    """Give the settings of a new, migrated database; dropped afterwards."""
    name = f"scratch_{secrets.token_hex(4)}"
    await administer(settings, f"CREATE DATABASE {name} TEMPLATE template0")
    own = settings.model_copy(update={"database_url": with_path(settings.database_url, name)})
    try:
        migrations.migrate(own)  # also shows that it may be called where an event loop runs
        yield own
    finally:
        await administer(settings, f"DROP DATABASE {name} WITH (FORCE)")


class NextVersion:
    """Adds revisions after the last, as a newer version of the code has them."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._directory = directory
        self._head = migrations.head()
        configured = migrations.alembic_config

        def with_ours(*arguments: object, **named: object) -> Config:
            config = configured(*arguments, **named)  # type: ignore[arg-type]  # handed on as they came
            config.set_main_option("version_locations", os.pathsep.join((str(_VERSIONS), str(directory))))
            return config

        monkeypatch.setattr(migrations, "alembic_config", with_ours)

    def add(self, revision: str, *statements: str) -> None:
        """Add a revision that runs these SQL statements."""
        self.write(revision, *(f"op.execute({statement!r})" for statement in statements))

    def write(self, revision: str, *lines: str) -> None:
        """Add a revision that runs these lines of Python."""
        source = _REVISION.format(revision=revision, before=self._head, lines="\n    ".join(lines))
        (self._directory / f"{revision}.py").write_text(source)
        self._head = revision
