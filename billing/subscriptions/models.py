from datetime import datetime

from sqlalchemy import DateTime, Text, UniqueConstraint
from sqlmodel import Field

from insula.db.schema.base import TenantOwned


class Subscription(TenantOwned, table=True):
    """A tenant's subscription to a plan.

    Each tenant has one internal row (without a ``provider_subscription_id``), which is in force while no subscription
    of the provider is live. Each subscription of the provider has a row; ``provider_updated_at`` and
    ``provider_position`` hold its last event's place in the order of events.
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
