"""The tables of this app. ``TenantOwned`` gives keys, times and versions; the migration, row-level security."""

from typing import Literal
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field

from insula.db.base import TenantOwned, tenant_fk

ProjectStatus = Literal["active", "archived"]
ItemStatus = Literal["open", "in_progress", "done"]


class Project(TenantOwned, table=True):
    """A piece of work that a tenant plans."""

    __table_args__ = (
        UniqueConstraint("tenant_id", "name"),
        CheckConstraint("status IN ('active', 'archived')", name="ck_project_status"),
        Index(None, "tenant_id", "created_at", "id"),
    )

    name: str = Field(sa_type=Text)
    description: str = Field(default="", sa_type=Text)
    status: ProjectStatus = Field(default="active", sa_type=Text)


class ProjectItem(TenantOwned, table=True):
    """One thing to do in a project. Its assignee is a member of the same tenant, by the key itself."""

    __table_args__ = (
        tenant_fk("project_id", "project"),
        tenant_fk("assignee_id", "membership", ondelete="SET NULL (assignee_id)"),
        CheckConstraint("status IN ('open', 'in_progress', 'done')", name="ck_project_item_status"),
        Index(None, "tenant_id", "project_id", "created_at", "id"),
        Index(None, "tenant_id", "project_id", "title", "id"),
        Index(None, "tenant_id", "project_id", "position", "id"),
        Index(None, "tenant_id", "assignee_id"),
    )

    project_id: UUID
    title: str = Field(sa_type=Text)
    body: str = Field(default="", sa_type=Text)
    status: ItemStatus = Field(default="open", sa_type=Text)
    position: int = 0
    assignee_id: UUID | None = None
