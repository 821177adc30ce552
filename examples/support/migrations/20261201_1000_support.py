"""The agents of the help desk, and the tickets of tenants."""

from typing import Final

from alembic import op
from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, PrimaryKeyConstraint, Text, Uuid

from insula.db.schema.base import tenant_fk
from insula.db.schema.ddl import create_table, create_tenant_table

revision: Final = "support_0001"
down_revision: Final = None
branch_labels: Final = ("support",)


def upgrade() -> None:
    create_table(
        "support_agent",
        Column("user_id", Uuid, nullable=False),
        Column("role", Text, nullable=False),
        PrimaryKeyConstraint("user_id"),
        CheckConstraint("role in ('support_lead', 'support_clerk')", name="ck_support_agent_role"),
        ForeignKeyConstraint(["user_id"], ["user.id"], ondelete="CASCADE"),
    )
    create_tenant_table(
        "ticket",
        Column("member_id", Uuid),
        Column("subject", Text, nullable=False),
        Column("question", Text, nullable=False),
        Column("status", Text, nullable=False),
        Column("answer", Text),
        Column("answered_by", Uuid),
        CheckConstraint("status IN ('open', 'answered')", name="ck_ticket_status"),
        tenant_fk("member_id", "membership", ondelete="SET NULL (member_id)"),
    )
    op.create_index(None, "ticket", ["created_at", "id"])
    op.create_index(None, "ticket", ["tenant_id", "member_id"])  # used when a member is deleted


def downgrade() -> None:
    op.drop_table("ticket")
    op.drop_table("support_agent")
