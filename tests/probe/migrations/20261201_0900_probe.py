"""The probe: racks and their books."""

from typing import Final

from alembic import op
from sqlalchemy import CheckConstraint, Column, Integer, Text, UniqueConstraint, Uuid

from insula.db.migrate.plans import grant_in_plans, revoke_in_plans
from insula.db.schema.base import tenant_fk
from insula.db.schema.ddl import create_tenant_table
from insula.db.schema.sorting import sort_key_column
from tests.probe.plans import GRANTED

revision: Final = "probe_0001"
down_revision: Final = None
branch_labels: Final = ("probe",)


def upgrade() -> None:
    create_tenant_table(
        "rack",
        Column("name", Text, nullable=False),
        Column("description", Text, nullable=False),
        Column("status", Text, nullable=False),
        sort_key_column("name_key"),
        UniqueConstraint("tenant_id", "name"),
        CheckConstraint("status IN ('active', 'archived')", name="ck_rack_status"),
    )
    create_tenant_table(
        "book",
        Column("rack_id", Uuid, nullable=False),
        Column("title", Text, nullable=False),
        Column("body", Text, nullable=False),
        Column("status", Text, nullable=False),
        Column("position", Integer, nullable=False),
        Column("reader_id", Uuid),
        sort_key_column("title_key"),
        CheckConstraint("status IN ('open', 'in_progress', 'done')", name="ck_book_status"),
        tenant_fk("rack_id", "rack"),
        tenant_fk("reader_id", "membership", ondelete="SET NULL (reader_id)"),
    )
    for column in ("created_at", "name_key"):
        op.create_index(None, "rack", ["tenant_id", column, "id"])
    for column in ("created_at", "title_key", "position"):
        op.create_index(None, "book", ["tenant_id", "rack_id", column, "id"])
    op.create_index(None, "book", ["tenant_id", "reader_id"])

    for quota in ("racks", "books"):
        grant_in_plans(quota, {plan: granted[quota] for plan, granted in GRANTED.items()})


def downgrade() -> None:
    for quota in ("racks", "books"):
        revoke_in_plans(quota)
    op.drop_table("book")
    op.drop_table("rack")
