from typing import Final, Literal

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field

from insula.access.entitlements import quota
from insula.db.schema.base import TenantOwned
from insula.db.schema.sorting import sort_key_of

ProjectStatus = Literal["active", "archived"]


class Project(TenantOwned, table=True):
    """A piece of work that a tenant plans."""

    __table_args__ = (
        UniqueConstraint("tenant_id", "name"),
        CheckConstraint("status IN ('active', 'archived')", name="ck_project_status"),
        Index(None, "tenant_id", "created_at", "id"),
        Index(None, "tenant_id", "name_key", "id"),
    )

    name: str = Field(sa_type=Text)
    name_key: bytes = sort_key_of("name")
    description: str = Field(default="", sa_type=Text)
    status: ProjectStatus = Field(default="active", sa_type=Text)


PROJECTS: Final = quota("projects", Project)
