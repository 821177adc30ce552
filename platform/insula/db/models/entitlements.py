"""Each tenant's entitlements, and its use of its quotas."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, Text
from sqlmodel import Field

from insula.core import clock
from insula.db.schema.base import Base


class Entitlement(Base, table=True):
    """An amount that a tenant is granted, by key: by its plan, staff or a default. Limits, seats and quotas read it."""

    tenant_id: UUID = Field(primary_key=True, foreign_key="tenant.id")
    key: str = Field(sa_column=Column(Text, primary_key=True))
    value: int = Field(sa_column=Column(BigInteger, nullable=False))
    updated_at: datetime = Field(
        default_factory=clock.now,
        sa_column=Column(DateTime(timezone=True), nullable=False, onupdate=clock.now),
    )


class TenantUsage(Base, table=True):
    """The number of rows that count towards a tenant's quota; triggers update it (``insula.db.schema.counting``)."""

    tenant_id: UUID = Field(primary_key=True)
    resource: str = Field(sa_type=Text, primary_key=True)
    used: int = Field(sa_type=BigInteger)
