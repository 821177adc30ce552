"""Alembic's entry: the house's tables, and a connection as the owner."""

from functools import partial
from typing import Final

from alembic import context
from alembic.runtime.migration import MigrationInfo
from sqlalchemy import text
from sqlalchemy.engine import Connection

from billing import app as billing_app
from insula.db import models as kernel_models
from insula.db.base import metadata
from insula.db.lock_waits import LockWaits, silent
from insula.db.migrate import as_owner
from insula.settings import Settings
from tenants import app as tenants_app

MODELS: Final = (kernel_models, tenants_app, billing_app)
"""Importing them fills the metadata. An app imports its resources, and these import their models."""


_OWNED: Final = text("""
    select relname from pg_class
    where relnamespace = 'public'::regnamespace and relowner = current_user::regrole
      and not exists (
          select from pg_depend where classid = 'pg_class'::regclass and objid = pg_class.oid and deptype = 'e'
      )
""")


class _Ours:
    """Tells the tables that a new revision may drop: the owner's own, of no extension. Others may share ``public``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._owned: frozenset[str] | None = None

    def __call__(self, name: str | None, kind: str, _parents: object) -> bool:
        if kind != "table" or name in metadata.tables:
            return True
        if self._owned is None:
            self._owned = frozenset(self._connection.scalars(_OWNED))
        return name in self._owned


def run(connection: Connection) -> None:
    """Run the command that Alembic was called with, one transaction for each migration."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transaction_per_migration=True,
        compare_type=True,
        on_version_apply=_say,
        include_name=_Ours(connection),
    )
    with context.begin_transaction():
        context.run_migrations()


def by_hand(connection: Connection) -> None:
    """Run a command that was started with the ``alembic`` program, which passes no connection."""
    waits = LockWaits(say=print)
    waits.run(connection, partial(run, connection))


def _say(*_: object, **applied: object) -> None:
    step, say = applied["step"], context.config.attributes.get("say", silent)
    if isinstance(step, MigrationInfo):
        say(f"{'up to' if step.is_upgrade else 'down from'} {step.up_revision_id}")


if context.is_offline_mode():
    raise SystemExit("The migrations read the catalogue: run them against a database.")
given = context.config.attributes.get("connection")
if given is None:
    as_owner(Settings(), by_hand)
else:
    run(given)
