from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Text, UniqueConstraint
from sqlmodel import Field

from insula import clock
from insula.db.base import Base, Stamped
from insula.ids import new_id

ACTIVE: Final = "active"
SUSPENDED: Final = "suspended"
FREE: Final = "free"


class Tenant(Stamped, table=True):
    """A customer's island. Row-level security goes by ``id``."""

    __table_args__ = (
        UniqueConstraint("slug"),
        CheckConstraint("slug = lower(slug) and slug <> ''", name="ck_tenant_slug"),
        CheckConstraint("status in ('active', 'suspended')", name="ck_tenant_status"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    slug: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    status: str = Field(default=ACTIVE, sa_type=Text)
    plan: str = Field(default=FREE, sa_type=Text)


class TenantDomain(Base, table=True):
    """A host name of the tenant's own; it resolves once it is verified."""

    __table_args__ = (
        UniqueConstraint("host"),  # a host leads to one tenant, so this one crosses tenants
        CheckConstraint("host = lower(host) and host <> ''", name="ck_tenant_domain_host"),
    )

    tenant_id: UUID = Field(primary_key=True, foreign_key="tenant.id")
    id: UUID = Field(default_factory=new_id, primary_key=True)
    host: str = Field(sa_type=Text)
    verified_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    created_at: datetime = Field(default_factory=clock.now, sa_type=DateTime(timezone=True), nullable=False)
