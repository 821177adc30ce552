"""API keys: machines that act in a tenant."""

from typing import Final

from alembic import op
from sqlalchemy import CheckConstraint, Column, DateTime, LargeBinary, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

from insula.db.ddl import create_tenant_table, notify_access

revision: Final = "0800_api_keys"
down_revision: Final = "0700_invitations"

TIME: Final = DateTime(timezone=True)


def upgrade() -> None:
    create_tenant_table(
        "api_key",
        Column("name", Text, nullable=False),
        Column("actions", ARRAY(Text), nullable=False),
        Column("secret_hash", LargeBinary, nullable=False),
        Column("previous_hash", LargeBinary),
        Column("previous_until", TIME),
        Column("created_by", Uuid),
        Column("expires_at", TIME),
        Column("revoked_at", TIME),
        Column("last_used_at", TIME),
        CheckConstraint("(previous_hash IS NULL) = (previous_until IS NULL)", name="ck_api_key_previous"),
    )
    # One index for each order that the list can have: a keyset page is then a range of it.
    for column in ("created_at", "name"):
        op.create_index(None, "api_key", ["tenant_id", column, "id"])
    notify_access(
        "api_key",
        {"key": "id"},
        columns=["name", "secret_hash", "previous_hash", "previous_until", "actions", "expires_at", "revoked_at"],
        made=False,  # nobody can have asked for a key before it was shown
    )


def downgrade() -> None:
    op.drop_table("api_key")
