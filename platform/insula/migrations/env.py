"""Alembic's entry: the models' tables, and a connection as the owner."""

from typing import Final

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from sqlalchemy import text
from sqlalchemy.engine import Connection

from insula.db.migrate.lock_waits import silent
from insula.db.migrate.revisions import TABLE
from insula.db.schema.base import metadata
from insula.db.schema.rights import FORMER_TABLE

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
        if name == FORMER_TABLE:
            return False
        if self._owned is None:
            self._owned = frozenset(self._connection.scalars(_OWNED))
        return name in self._owned


def run(connection: Connection) -> None:
    """Run the command that Alembic was called with, one transaction for each migration."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table=context.config.attributes.get("version_table", TABLE),
        transaction_per_migration=True,
        compare_type=True,
        on_version_apply=_applied,  # type: ignore[arg-type]  # Alembic passes more by name
        include_name=_Ours(connection),
        declared=context.config.attributes["declared"],
    )
    with context.begin_transaction():
        context.run_migrations()


def _applied(ctx: MigrationContext, step: MigrationInfo, **_: object) -> None:
    say = context.config.attributes.get("say", silent)
    say(f"{'up to' if step.is_upgrade else 'down from'} {step.up_revision_id}")
    if not step.is_upgrade and not step.destination_revision_ids and ctx.connection is not None:
        # What it stood for is gone: the next run makes the branch's tables, rather than taking them to be there.
        ctx.connection.exec_driver_sql(f"DROP TABLE IF EXISTS {FORMER_TABLE}")


run(context.config.attributes["connection"])
