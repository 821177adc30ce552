"""A column for the sort key of a tenant's name; a revision for each table, so that one is locked at a time."""

from typing import Final

from alembic import op

from insula.db.schema.ddl import protect
from insula.db.schema.sorting import sort_key_column

revision: Final = "1600_tenant_key"
down_revision: Final = "1500_acts_of_roles"


def upgrade() -> None:
    # The version of the code before this one names no key: what it adds sorts first, until it is renamed.
    op.add_column("tenant", sort_key_column("name_key"))
    protect("tenant")


def downgrade() -> None:
    op.drop_column("tenant", "name_key")
