"""The tenants app's own table: invitations. What every request reads of a tenant is the kernel's."""

from typing import Final

from alembic import op
from sqlalchemy import Column, Computed, DateTime, ForeignKeyConstraint, Integer, LargeBinary, Text, Uuid, text

from insula.db.schema.ddl import create_tenant_table

revision: Final = "tenants_0001"
down_revision: Final = None
branch_labels: Final = ("tenants",)
replaces: Final = "1630_operations_of_keys"

TIME: Final = DateTime(timezone=True)
BUILT_IN_ROLES: Final = "'owner'::text, 'admin'::text, 'member'::text, 'viewer'::text, 'billing_manager'::text"


def upgrade() -> None:
    settled = f"(role = ANY (ARRAY[{BUILT_IN_ROLES}])) OR (accepted_at IS NOT NULL) OR (revoked_at IS NOT NULL)"
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
        Column("custom_role", Text, Computed(f"CASE WHEN {settled} THEN NULL::text ELSE role END", persisted=True)),
        ForeignKeyConstraint(
            ["tenant_id", "custom_role"], ["custom_role.tenant_id", "custom_role.key"], ondelete="RESTRICT"
        ),
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
    op.create_index(None, "invitation", ["tenant_id", "custom_role"], postgresql_where=text("custom_role IS NOT NULL"))


def downgrade() -> None:
    op.drop_table("invitation")
