"""A column for the sort key of a project's name; a revision for each table, so that one is locked at a time."""

from typing import Final

from alembic import op

from insula.db.schema.ddl import protect
from insula.db.schema.sorting import sort_key_column

revision: Final = "1604_project_key"
down_revision: Final = "1603_api_keys_name_key"


def upgrade() -> None:
    # The version of the code before this one names no key: what it adds sorts first, until it is renamed.
    op.add_column("project", sort_key_column("name_key"))
    protect("project")


def downgrade() -> None:
    op.drop_column("project", "name_key")
