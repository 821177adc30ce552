"""Invitations to a tenant."""

from typing import Final

from alembic import op
from sqlalchemy import Column, DateTime, Integer, LargeBinary, Text, Uuid, text

from insula.db.ddl import create_tenant_table

revision: Final = "0700_invitations"
down_revision: Final = "0600_accounts"

TIME: Final = DateTime(timezone=True)


def upgrade() -> None:
    create_tenant_table(
        "invitation",
        Column("email", Text, nullable=False),
        Column("role", Text, nullable=False),
        Column("token_hash", LargeBinary, nullable=False),
        Column("invited_by", Uuid, nullable=False),
        Column("expires_at", TIME, nullable=False),
        Column("accepted_at", TIME),
        Column("revoked_at", TIME),
        Column("sent_count", Integer, nullable=False),
        Column("last_sent_at", TIME, nullable=False),
    )
    # One open invitation for an address. An expired one is revoked before the next is made.
    op.create_index(
        "uq_invitation_open",
        "invitation",
        ["tenant_id", "email"],
        unique=True,
        postgresql_where=text("accepted_at IS NULL AND revoked_at IS NULL"),
    )
    op.create_index(None, "invitation", ["tenant_id", "created_at", "id"])


def downgrade() -> None:
    op.drop_table("invitation")
