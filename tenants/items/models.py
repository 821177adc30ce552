from typing import Final, Literal
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text
from sqlmodel import Field

from insula.access.entitlements import quota
from insula.db.schema.base import TenantOwned, tenant_fk
from insula.db.schema.sorting import sort_key_of

ItemStatus = Literal["open", "in_progress", "done"]


class ProjectItem(TenantOwned, table=True):
    """One thing to do in a project. The foreign key guarantees that its assignee is a member of the same tenant."""

    __table_args__ = (
        tenant_fk("project_id", "project"),
        tenant_fk("assignee_id", "membership", ondelete="SET NULL (assignee_id)"),
        CheckConstraint("status IN ('open', 'in_progress', 'done')", name="ck_project_item_status"),
        Index(None, "tenant_id", "project_id", "created_at", "id"),
        Index(None, "tenant_id", "project_id", "title_key", "id"),
        Index(None, "tenant_id", "project_id", "position", "id"),
        Index(None, "tenant_id", "assignee_id"),
    )

    project_id: UUID
    title: str = Field(sa_type=Text)
    title_key: bytes = sort_key_of("title")
    body: str = Field(default="", sa_type=Text)
    status: ItemStatus = Field(default="open", sa_type=Text)
    position: int = 0
    assignee_id: UUID | None = None


ITEMS: Final = quota("items", ProjectItem)
