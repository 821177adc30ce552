"""Brings a database of the single chain of migrations, before the branches, to the end of that chain."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from insula.db.branches import KERNEL, by_branch
from insula.db.revisions import applied, former_revision

_TABLE: Final = "alembic_version"


def end_single_chain(connection: Connection, configure: Callable[[], Config], folder: Path) -> None:
    """Run the revisions in ``folder`` that the database lacks of the single chain.

    Nothing happens to a database that has branches, none at all, or a revision that is not in the folder.
    """
    at = former_revision(connection) if KERNEL.name not in by_branch(applied(connection)) else None
    connection.commit()
    if at is None:
        return
    config = configure()
    config.set_main_option("version_locations", str(folder).replace("%", "%%"))
    config.attributes["version_table"] = _TABLE
    script = ScriptDirectory.from_config(config)
    if at != script.get_current_head() and at in {known.revision for known in script.walk_revisions()}:
        command.upgrade(config, "head")
