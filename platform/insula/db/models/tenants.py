import secrets
from datetime import datetime
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
    name_key: bytes = sort_key_of("name")
    status: str = Field(default=ACTIVE, sa_type=Text)
    plan: str = Field(default=FREE, sa_type=Text)
    time_zone: str = Field(default=UTC, sa_type=Text, sa_column_kwargs={"server_default": UTC})
    locale: str = Field(default=ENGLISH, sa_type=Text, sa_column_kwargs={"server_default": ENGLISH})


class TenantSlug(Base, table=True):
    """A slug that a tenant has or had: nobody else's for ever, also when the tenant is gone. A trigger keeps it.

    ``retired_at`` is empty for the one that the tenant has now.
    """

    __table_args__ = (UniqueConstraint("slug"),)  # crosses tenants, as host names do

    tenant_id: UUID = Field(primary_key=True)
    slug: str = Field(sa_type=Text, primary_key=True)
    retired_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


def new_challenge() -> str:
    """Return what nobody guesses, for a host's owner to publish."""
    return secrets.token_hex(16)


class TenantDomain(Base, table=True):
    """A host name of the tenant's own; it resolves once its DNS holds ``token``, and while it does.

    Claims cross no tenants, proofs do: many may claim a host, one has it.
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
