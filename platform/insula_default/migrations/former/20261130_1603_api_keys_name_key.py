"""A column for the sort key of an API key's name; a revision for each table, so that one is locked at a time."""

from typing import Final

from alembic import op

from insula.db.schema.ddl import protect
from insula.db.schema.sorting import sort_key_column

revision: Final = "1603_api_keys_name_key"
down_revision: Final = "1602_membership_key"


def upgrade() -> None:
    # The version of the code before this one names no key: what it adds sorts first, until it is renamed.
    op.add_column("api_key", sort_key_column("name_key"))
    protect("api_key")


def downgrade() -> None:
    op.drop_column("api_key", "name_key")
