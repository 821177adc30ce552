"""``insula migrate``: roles, ownership, then Alembic, one run at a time."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from insula.db.grants import apply_rights
from insula.db.observed import drifted
from insula.db.provision import provision
from insula.db.queue import apply_queue, queue_exists, queue_findings
from insula.db.roles import DatabaseRole, role_url
from insula.settings import Settings

_LOCK: Final = 0x696E73756C61  # "insula"
_WAIT_FOR_ANOTHER_RUN: Final = "120s"
_LOCK_TIMEOUT: Final = "5s"
_STATEMENT_TIMEOUT: Final = "300s"
_PLACES: Final = (
    Path(__file__).parents[3] / "migrations",  # a checkout
    Path(__file__).parents[1] / "migrations",  # an installed wheel
)


def migrate(settings: Settings) -> None:
    """Make the roles and bring the schema and the grants to this version. Repeatable.

    Runs in a thread with an event loop of its own, so it may be called where a loop runs; it blocks.
    """
    _in_thread(_migrate(settings))


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run the migrations up to ``revision``, then grant what is declared."""
    command.upgrade(alembic_config(connection), revision)
    for table in drifted(connection):
        apply_rights(connection, table)
    if queue_exists(connection) and queue_findings(connection):
        apply_queue(connection)
    connection.commit()


def as_owner(settings: Settings, work: Callable[[Connection], None]) -> None:
    """Run ``work`` as the owner, alone: no other migration runs meanwhile, and no lock is waited for long."""
    _in_thread(_as_owner(settings, work))


def alembic_config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration for this house's migrations."""
    place = next((place for place in _PLACES if (place / "env.py").exists()), None)
    if place is None:
        raise FileNotFoundError(f"no migrations at {' or '.join(str(place) for place in _PLACES)}")
    config = Config()
    config.set_main_option("script_location", str(place).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """Return the revision that this version of the code expects."""
    revision = ScriptDirectory.from_config(alembic_config()).get_current_head()
    if revision is None:
        raise FileNotFoundError("there are no migrations")
    return revision


async def _migrate(settings: Settings) -> None:
    await provision(settings)
    await _as_owner(settings, upgrade)


async def _as_owner(settings: Settings, work: Callable[[Connection], None]) -> None:
    url = make_url(role_url(settings, DatabaseRole.OWNER, direct=True)).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_alone)
            await connection.run_sync(work)
    finally:
        await engine.dispose()


def _alone(connection: Connection) -> None:
    """Take the session's lock, which goes with the connection, and then wait for no lock for long."""
    connection.execute(text(f"SET lock_timeout = '{_WAIT_FOR_ANOTHER_RUN}'"))
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
    connection.execute(text(f"SET lock_timeout = '{_LOCK_TIMEOUT}'"))
    connection.execute(text(f"SET statement_timeout = '{_STATEMENT_TIMEOUT}'"))
    connection.commit()


def _in_thread(work: Coroutine[None, None, None]) -> None:
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="migrate") as thread:
        thread.submit(asyncio.run, work).result()
