"""``insula migrate``: roles, ownership, then Alembic, one run at a time."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from insula.db.address import ENGINE
from insula.db.deadlines import MIGRATING, TOOL_STATEMENT_SECONDS
from insula.db.grants import apply_rights
from insula.db.lock_waits import WAIT_SECONDS, LockWaits, Say, lock_timeout, silent
from insula.db.observed import drifted
from insula.db.provision import provision
from insula.db.queue import apply_queue, queue_exists, queue_findings
from insula.db.roles import DatabaseRole, role_url
from insula.settings import Settings

RUN_LOCK: Final = 0x696E73756C61  # "insula"
"""The advisory lock around a run."""

_PLACES: Final = (
    Path(__file__).parents[3] / "migrations",  # a checkout
    Path(__file__).parents[1] / "migrations",  # an installed wheel
)


def migrate(settings: Settings, *, wait: float = WAIT_SECONDS, say: Say = silent) -> None:
    """Make the roles and bring the schema and the grants to this version. Repeatable.

    Waits up to ``wait`` seconds, in all, for locks and for another run, and says so on ``say``.
    Runs in a thread with an event loop of its own, so it may be called where a loop runs; it blocks.
    """
    _in_thread(_migrate(settings, LockWaits(wait, say)))


def upgrade(connection: Connection, revision: str = "head", waits: LockWaits | None = None) -> None:
    """Run the migrations up to ``revision``, then grant what is declared.

    Each revision, and each table's rights, is a transaction of its own: what is done stays done
    when a later one meets a held lock, and is not done again at the next attempt.
    """
    waits = waits or LockWaits()
    waits.run(connection, lambda: command.upgrade(alembic_config(connection, waits.say), revision))
    for table in drifted(connection):
        waits.run(connection, partial(apply_rights, connection, table))
    if queue_exists(connection) and queue_findings(connection):
        waits.run(connection, partial(apply_queue, connection))
    connection.commit()


def as_owner(settings: Settings, work: Callable[[Connection], None], waits: LockWaits | None = None) -> None:
    """Run ``work`` as the owner, alone: no other migration runs meanwhile, and no lock is waited for long."""
    _in_thread(_as_owner(settings, work, waits or LockWaits()))


def alembic_config(connection: Connection | None = None, say: Say = silent) -> Config:
    """Return Alembic's configuration for this installation's migrations; ``say`` is told each revision."""
    place = next((place for place in _PLACES if (place / "env.py").exists()), None)
    if place is None:
        raise FileNotFoundError(f"no migrations at {' or '.join(str(place) for place in _PLACES)}")
    config = Config()
    config.set_main_option("script_location", str(place).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    config.attributes["say"] = say
    return config


def head() -> str:
    """Return the revision that this version of the code expects."""
    revision = ScriptDirectory.from_config(alembic_config()).get_current_head()
    if revision is None:
        raise FileNotFoundError("there are no migrations")
    return revision


async def _migrate(settings: Settings, waits: LockWaits) -> None:
    await provision(settings)
    await _as_owner(settings, partial(upgrade, waits=waits), waits)


async def _as_owner(settings: Settings, work: Callable[[Connection], None], waits: LockWaits) -> None:
    connecting = {"dsn": role_url(settings, DatabaseRole.OWNER, direct=True), **MIGRATING}
    engine = create_async_engine(ENGINE, connect_args=connecting, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_bounded, settings)
            await connection.run_sync(waits.take_turn, RUN_LOCK)
            await connection.run_sync(work)
    finally:
        await engine.dispose()


def _bounded(connection: Connection, settings: Settings) -> None:
    """Bound every statement of this session, and its every wait for a lock."""
    connection.execute(text(f"SET lock_timeout = '{lock_timeout(settings)}'"))
    connection.execute(text(f"SET statement_timeout = '{TOOL_STATEMENT_SECONDS}s'"))
    connection.commit()


def _in_thread(work: Coroutine[None, None, None]) -> None:
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="migrate") as thread:
        thread.submit(asyncio.run, work).result()
