import secrets
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, Text, UniqueConstraint, text
from sqlmodel import Field

from insula.core import clock
from insula.core.ids import new_id
from insula.db.schema.base import Base, Stamped
from insula.db.schema.sorting import sort_key_of

ACTIVE: Final = "active"
SUSPENDED: Final = "suspended"
FREE: Final = "free"
UTC: Final = "UTC"
ENGLISH: Final = "en"


class TenantStatus(StrEnum):
    """Whether a tenant's requests are served: those of a suspended tenant are refused."""

    ACTIVE = ACTIVE
    SUSPENDED = SUSPENDED


class Tenant(Stamped, table=True):
    """A customer, whose data is isolated from every other's. Row-level security compares ``id``."""

    __table_args__ = (
        UniqueConstraint("slug"),
        CheckConstraint("slug = lower(slug) and slug <> ''", name="ck_tenant_slug"),
        CheckConstraint("status in ('active', 'suspended')", name="ck_tenant_status"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    slug: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    name_key: bytes = sort_key_of("name")
    status: str = Field(default=ACTIVE, sa_type=Text)
    plan: str = Field(default=FREE, sa_type=Text)
    time_zone: str = Field(default=UTC, sa_type=Text, sa_column_kwargs={"server_default": UTC})
    locale: str = Field(default=ENGLISH, sa_type=Text, sa_column_kwargs={"server_default": ENGLISH})


class TenantSlug(Base, table=True):
    """A slug that a tenant has or had; no other tenant ever gets it, even after deletion. A trigger writes it.

    ``retired_at`` is null for the tenant's current slug.
    """

    __table_args__ = (UniqueConstraint("slug"),)  # over all tenants: a slug is a host name

    tenant_id: UUID = Field(primary_key=True)
    slug: str = Field(sa_type=Text, primary_key=True)
    retired_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


def new_challenge() -> str:
    """Return a random token that the host's owner publishes in the DNS."""
    return secrets.token_hex(16)


class TenantDomain(Base, table=True):
    """A custom host name of a tenant; it leads to the tenant while its DNS holds ``token``.

    Many tenants may claim a host, but only one can have verified it.
    """

    __table_args__ = (
        UniqueConstraint("tenant_id", "host"),
        Index("uq_tenant_domain_verified_host", "host", unique=True, postgresql_where=text("verified_at IS NOT NULL")),
        CheckConstraint("host = lower(host) and host <> ''", name="ck_tenant_domain_host"),
    )

    tenant_id: UUID = Field(primary_key=True, foreign_key="tenant.id")
    id: UUID = Field(default_factory=new_id, primary_key=True)
    host: str = Field(sa_type=Text)
    verified_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    created_at: datetime = Field(default_factory=clock.now, sa_type=DateTime(timezone=True), nullable=False)
    token: str = Field(
        default_factory=new_challenge,
        sa_type=Text,
        sa_column_kwargs={"server_default": text("replace(gen_random_uuid()::text, '-', '')")},
    )
    checked_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    failing_since: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
