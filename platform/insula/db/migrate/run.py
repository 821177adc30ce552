"""``insula migrate``: roles, ownership, then each branch of migrations; only one run at a time."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from insula.core.settings import Settings
from insula.db.engine.address import ENGINE
from insula.db.engine.connection import MIGRATING
from insula.db.engine.deadlines import TOOL_STATEMENT_SECONDS
from insula.db.engine.roles import OWNER, role_url
from insula.db.migrate.lock_waits import WAIT_SECONDS, LockWaits, Say, lock_timeout, silent
from insula.db.migrate.revisions import adopt, applied, former_revision
from insula.db.schema import branches
from insula.db.schema.acts import acts_findings, apply_acts
from insula.db.schema.branches import Branch, Chain
from insula.db.schema.counting import count_rows, uncounted
from insula.db.schema.declarations import Declarations
from insula.db.schema.grants import apply_rights
from insula.db.schema.introspection import drifted
from insula.db.schema.provision import provision
from insula.db.schema.queue import apply_queue, queue_exists, queue_findings
from insula.db.schema.rights import FORMER_TABLE

RUN_LOCK: Final = 0x696E73756C61  # "insula"
"""The advisory lock that a run holds."""


def migrate(settings: Settings, declared: Declarations, *, wait: float = WAIT_SECONDS, say: Say = silent) -> None:
    """Create the roles, and bring the schema, rights and triggers to this version. Repeatable.

    Waits up to ``wait`` seconds in total for locks and for another run, and reports that to ``say``.
    Blocks. Runs in a thread with its own event loop, so it may also be called inside a running loop.
    """
    _in_thread(_migrate(settings, declared, LockWaits(wait, say)))


def upgrade(connection: Connection, declared: Declarations, waits: LockWaits | None = None) -> None:
    """Upgrade each branch to its head, in order, then rights and triggers to the declarations.

    Each revision, and each table's rights, is a transaction of its own: it stays committed when a later
    one meets a held lock, and is not repeated at the next attempt.
    """
    waits = waits or LockWaits()
    chains = branches.chains(declared.branches)
    configure = partial(alembic_config, declared, connection, waits.say)
    if declared.former is not None:
        single_chain = partial(former_config, declared, declared.former, connection, waits.say)
        waits.run(connection, partial(_end_single_chain, connection, single_chain))
    waits.run(connection, lambda: adopt(connection, chains))
    for name, chain in chains.items():
        waits.run(connection, partial(_upgrade, connection, configure, name, chain, waits.say))
    for table in drifted(connection, declared):
        waits.run(connection, partial(apply_rights, connection, table, declared))
    for table in uncounted(connection, declared):
        waits.run(connection, partial(count_rows, connection, table, declared.counted[table]))
    if queue_exists(connection) and queue_findings(connection, declared):
        waits.run(connection, partial(apply_queue, connection, declared))
    if list(acts_findings(connection, declared)):
        waits.run(connection, partial(apply_acts, connection, declared))
    connection.commit()


def downgrade(connection: Connection, declared: Declarations) -> None:
    """Undo every revision, the branches in reverse order: a table is dropped after the tables that reference it."""
    at = branches.by_branch(applied(connection))
    connection.commit()
    for branch in reversed(declared.branches):
        if branch.name in at:
            command.downgrade(alembic_config(declared, connection), f"{branch.name}@base")


def as_owner(settings: Settings, work: Callable[[Connection], None], waits: LockWaits | None = None) -> None:
    """Run ``work`` as the owner role, while no other migration runs and with short lock waits."""
    _in_thread(_as_owner(settings, work, waits or LockWaits()))


def alembic_config(declared: Declarations, connection: Connection, say: Say = silent) -> Config:
    """Return Alembic's configuration for the declared branches, whose revisions use ``declared``.

    ``say`` is called for each revision.
    """
    config = branches.configured(declared.branches)
    config.attributes["declared"] = declared
    config.attributes["connection"] = connection
    config.attributes["say"] = say
    return config


def former_config(declared: Declarations, folder: Path, connection: Connection, say: Say = silent) -> Config:
    """Return the configuration for the former single chain, whose revisions are in ``folder``."""
    config = alembic_config(replace(declared, branches=(Branch("former", folder),)), connection, say)
    config.attributes["version_table"] = FORMER_TABLE
    return config


def _end_single_chain(connection: Connection, configure: Callable[[], Config]) -> None:
    """Upgrade a database from before the branches to the end of the single chain, which ``configure`` configures.

    Does nothing if the database already has branches, has no revision at all, or one that the chain does not have.
    """
    at = former_revision(connection) if branches.KERNEL.name not in branches.by_branch(applied(connection)) else None
    connection.commit()
    if at is None:
        return
    config = configure()
    script = ScriptDirectory.from_config(config)
    if at != script.get_current_head() and at in {known.revision for known in script.walk_revisions()}:
        command.upgrade(config, "head")


def _upgrade(connection: Connection, configure: Callable[[], Config], name: str, chain: Chain, say: Say) -> None:
    """Run a branch's missing revisions. Leave a database that is ahead of this code unchanged."""
    at = branches.by_branch(applied(connection)).get(name)
    connection.commit()  # each revision is a transaction of its own
    if at == chain.head:
        return
    if at is not None and branches.reaches(at, chain.head):
        say(f"{name}: the database is at {at}, which belongs to a later version")
        return
    config = configure()
    script = ScriptDirectory.from_config(config)

    def steps(_heads: object, _context: MigrationContext) -> Iterable[MigrationStep]:
        # The database may have revisions of branches that are not installed here.
        lacking = script.iterate_revisions(chain.head, at or "base")
        return [MigrationStep.upgrade_from_script(script.revision_map, step) for step in reversed(list(lacking))]

    with EnvironmentContext(config, script, fn=steps):
        script.run_env()


async def _migrate(settings: Settings, declared: Declarations, waits: LockWaits) -> None:
    await provision(settings, declared)
    await _as_owner(settings, partial(upgrade, declared=declared, waits=waits), waits)


async def _as_owner(settings: Settings, work: Callable[[Connection], None], waits: LockWaits) -> None:
    connecting = {"dsn": role_url(settings, OWNER, direct=True), **MIGRATING}
    engine = create_async_engine(ENGINE, connect_args=connecting, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_bounded, settings)
            await connection.run_sync(waits.take_turn, RUN_LOCK)
            await connection.run_sync(work)
    finally:
        await engine.dispose()


def _bounded(connection: Connection, settings: Settings) -> None:
    """Set time limits for this session's statements and lock waits."""
    connection.execute(text(f"SET lock_timeout = '{lock_timeout(settings)}'"))
    connection.execute(text(f"SET statement_timeout = '{TOOL_STATEMENT_SECONDS}s'"))
    connection.commit()


def _in_thread(work: Coroutine[None, None, None]) -> None:
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="migrate") as thread:
        thread.submit(asyncio.run, work).result()
