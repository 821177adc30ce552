"""``insula revision``: drafts a branch's next revision from the differences between models and database."""

import re
from pathlib import Path
from typing import Final

from alembic import command
from alembic.script import Script
from sqlalchemy.engine import Connection

from insula.db.migrate.run import alembic_config
from insula.db.schema import branches
from insula.db.schema.branches import BranchError, Revision
from insula.db.schema.declarations import Declarations

_FILE: Final = "%%(year)d%%(month).2d%%(day).2d_%%(hour).2d%%(minute).2d_%%(slug)s"
_WORDS: Final = re.compile(r"[a-z0-9]+")


def draft(connection: Connection, declared: Declarations, branch: str, message: str) -> Path:
    """Write the draft and return its file. A developer reviews it and uses the functions of ``insula.db.schema.ddl``.

    The database must be at the heads. Raises BranchError for a branch that is not installed.
    """
    installed = {found.name: found for found in declared.branches}
    if branch not in installed:
        raise BranchError(f"there is no branch {branch}: the branches are {', '.join(installed)}")
    first = not any(installed[branch].folder.glob("*.py"))
    number = 1 if first else Revision.of(branches.chains([installed[branch]])[branch].head).number + 1
    words = "_".join(_WORDS.findall(message.lower()))
    config = alembic_config(declared, connection)
    config.set_main_option("file_template", _FILE)
    made = command.revision(
        config,
        message,
        autogenerate=True,
        head="base" if first else f"{branch}@head",
        branch_label=branch if first else None,
        version_path=installed[branch].folder,
        rev_id=f"{branch}_{number:04}" if first else f"{branch}_{number:04}_{words}",
    )
    if not isinstance(made, Script):
        raise BranchError(f"branch {branch}: Alembic wrote no revision")
    return Path(made.path)
