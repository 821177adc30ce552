from datetime import datetime

from sqlalchemy import DateTime, Text, UniqueConstraint
from sqlmodel import Field

from insula.db.schema.base import TenantOwned


class Subscription(TenantOwned, table=True):
    """What a tenant has bought.

    Each tenant has one row of the house's own (no ``provider_subscription_id``), which counts while
    no subscription of the provider is live; the provider's have a row each, ordered by
    ``provider_updated_at`` and ``provider_position``.
    """

    __table_args__ = (UniqueConstraint("tenant_id", "provider_subscription_id", postgresql_nulls_not_distinct=True),)

    plan_key: str = Field(foreign_key="plan.key", sa_type=Text)
    status: str = Field(sa_type=Text)
    seats: int | None = None
    current_period_end: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    provider_subscription_id: str | None = Field(default=None, sa_type=Text)
    provider_created_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    provider_updated_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    provider_position: str | None = Field(default=None, sa_type=Text)
