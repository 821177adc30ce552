"""Upgrades a database from before the branches to the end of its single chain of migrations."""

from collections.abc import Callable

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from insula.db.migrate.revisions import applied, former_revision
from insula.db.schema.branches import KERNEL, by_branch


def end_single_chain(connection: Connection, configure: Callable[[], Config]) -> None:
    """Run the missing revisions of the single chain; ``configure`` returns Alembic's configuration for them.

    Does nothing if the database already has branches, has no revision at all, or one that the chain does not have.
    """
    at = former_revision(connection) if KERNEL.name not in by_branch(applied(connection)) else None
    connection.commit()
    if at is None:
        return
    config = configure()
    script = ScriptDirectory.from_config(config)
    if at != script.get_current_head() and at in {known.revision for known in script.walk_revisions()}:
        command.upgrade(config, "head")
