"""The tables of this app. ``TenantOwned`` gives keys, times and versions; the migration, row-level security."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field

from insula import clock
from insula.db.base import Base, TenantOwned, tenant_fk
from insula.db.models.roles import own_role
from insula.db.sorting import sort_key_of

ProjectStatus = Literal["active", "archived"]
ItemStatus = Literal["open", "in_progress", "done"]
InvitationStatus = Literal["pending", "accepted", "revoked", "expired"]


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


class ProjectItem(TenantOwned, table=True):
    """One thing to do in a project. Its assignee is a member of the same tenant, by the key itself."""

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


class Invitation(TenantOwned, table=True):
    """An address asked to join, with a built-in role or one of the tenant's own. Of its token only the hash is kept.

    ``invited_by`` is a user's id that references nothing: what was done stays when the user goes.
    """

    __table_args__ = (
        Index(
            "uq_invitation_open",
            "tenant_id",
            "email",
            unique=True,
            postgresql_where=text("accepted_at IS NULL AND revoked_at IS NULL"),
        ),
        Index(None, "tenant_id", "created_at", "id"),
        ForeignKeyConstraint(
            ["tenant_id", "custom_role"], ["custom_role.tenant_id", "custom_role.key"], ondelete="RESTRICT"
        ),
        Index(None, "tenant_id", "custom_role", postgresql_where=text("custom_role IS NOT NULL")),
    )

    email: str = Field(sa_type=Text)
    role: str = Field(sa_type=Text)
    custom_role: str | None = Field(default=None, sa_column=Column(Text, own_role("accepted_at", "revoked_at")))
    token_hash: bytes = Field(sa_type=LargeBinary)
    invited_by: UUID
    expires_at: datetime = Field(sa_type=DateTime(timezone=True))
    accepted_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    revoked_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    sent_count: int = 1
    last_sent_at: datetime = Field(default_factory=clock.now, sa_type=DateTime(timezone=True))

    @property
    def status(self) -> InvitationStatus:
        """What has become of it."""
        if self.accepted_at is not None:
            return "accepted"
        if self.revoked_at is not None:
            return "revoked"
        return "pending" if clock.now() < self.expires_at else "expired"


class TenantUsage(Base, table=True):
    """How many rows of a kind the tenant has. Triggers on the counted tables keep it, whoever changes them."""

    tenant_id: UUID = Field(primary_key=True)
    resource: str = Field(sa_type=Text, primary_key=True)
    used: int = Field(sa_type=BigInteger)
