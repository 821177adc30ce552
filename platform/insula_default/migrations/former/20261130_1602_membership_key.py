"""A column for the sort key of a membership's name; a revision for each table, so that one is locked at a time."""

from typing import Final

from alembic import op

from insula.db.schema.ddl import protect
from insula.db.schema.sorting import sort_key_column

revision: Final = "1602_membership_key"
down_revision: Final = "1601_user_key"


def upgrade() -> None:
    # The version of the code before this one names no key: what it adds sorts first, until it is renamed.
    op.add_column("membership", sort_key_column("name_key"))
    protect("membership")


def downgrade() -> None:
    op.drop_column("membership", "name_key")
