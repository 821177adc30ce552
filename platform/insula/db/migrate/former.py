"""Brings a database of the single chain of migrations, before the branches, to the end of that chain."""

from collections.abc import Callable

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from insula.db.migrate.revisions import applied, former_revision
from insula.db.schema.branches import KERNEL, by_branch


def end_single_chain(connection: Connection, configure: Callable[[], Config]) -> None:
    """Run what the database lacks of the single chain, for whose revisions ``configure`` configures Alembic.

    Nothing happens to a database that has branches, none at all, or a revision that is not among them.
    """
    at = former_revision(connection) if KERNEL.name not in by_branch(applied(connection)) else None
    connection.commit()
    if at is None:
        return
    config = configure()
    script = ScriptDirectory.from_config(config)
    if at != script.get_current_head() and at in {known.revision for known in script.walk_revisions()}:
        command.upgrade(config, "head")
