"""The example: projects and their items."""

from typing import Final

from alembic import op
from sqlalchemy import CheckConstraint, Column, Integer, Text, UniqueConstraint, Uuid

from insula.db.schema.base import tenant_fk
from insula.db.schema.ddl import create_tenant_table
from insula.db.schema.sorting import sort_key_column

revision: Final = "example_0001"
down_revision: Final = None
branch_labels: Final = ("example",)
replaces: Final = "1630_operations_of_keys"


def upgrade() -> None:
    _projects()
    _items()


def downgrade() -> None:
    op.drop_table("project_item")
    op.drop_table("project")


def _projects() -> None:
    create_tenant_table(
        "project",
        Column("name", Text, nullable=False),
        Column("description", Text, nullable=False),
        Column("status", Text, nullable=False),
        sort_key_column("name_key"),
        UniqueConstraint("tenant_id", "name"),
        CheckConstraint("status IN ('active', 'archived')", name="ck_project_status"),
    )
    # One index for each order that a list can have: a keyset page is then a range of it.
    for column in ("created_at", "name_key"):
        op.create_index(None, "project", ["tenant_id", column, "id"])


def _items() -> None:
    create_tenant_table(
        "project_item",
        Column("project_id", Uuid, nullable=False),
        Column("title", Text, nullable=False),
        Column("body", Text, nullable=False),
        Column("status", Text, nullable=False),
        Column("position", Integer, nullable=False),
        Column("assignee_id", Uuid),
        sort_key_column("title_key"),
        CheckConstraint("status IN ('open', 'in_progress', 'done')", name="ck_project_item_status"),
        tenant_fk("project_id", "project"),
        tenant_fk("assignee_id", "membership", ondelete="SET NULL (assignee_id)"),
    )
    for column in ("created_at", "title_key", "position"):
        op.create_index(None, "project_item", ["tenant_id", "project_id", column, "id"])
    op.create_index(None, "project_item", ["tenant_id", "assignee_id"])  # for when a member goes
