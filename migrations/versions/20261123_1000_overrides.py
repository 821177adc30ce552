"""Entitlement overrides by staff, with reason and expiry; staff's search through the audit log."""

from typing import Final

import sqlalchemy as sa
from alembic import op

from insula.db.ddl import create_tenant_table

revision: Final = "1000_overrides"
down_revision: Final = "0900_tenant_settings"


def upgrade() -> None:
    create_tenant_table(
        "entitlement_override",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("created_by", sa.Uuid, nullable=False),
        sa.UniqueConstraint("tenant_id", "key"),
        sa.CheckConstraint("value >= 0", name="ck_entitlement_override_value"),
    )
    op.create_index(None, "entitlement_override", ["expires_at"])
    op.create_index(None, "audit_event", ["occurred_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_audit_event_occurred_at_id", "audit_event")
    op.drop_table("entitlement_override")
