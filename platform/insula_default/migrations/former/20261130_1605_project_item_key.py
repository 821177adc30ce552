"""A column for the sort key of an item's title; a revision for each table, so that one is locked at a time."""

from typing import Final

from alembic import op

from insula.db.schema.ddl import protect
from insula.db.schema.sorting import sort_key_column

revision: Final = "1605_project_item_key"
down_revision: Final = "1604_project_key"


def upgrade() -> None:
    # The version of the code before this one names no key: what it adds sorts first, until it is renamed.
    op.add_column("project_item", sort_key_column("title_key"))
    protect("project_item")


def downgrade() -> None:
    op.drop_column("project_item", "title_key")
