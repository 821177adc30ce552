"""The tables of billing."""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import BigInteger, CheckConstraint, DateTime, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from insula.db.base import Base, TenantOwned
from insula.ids import new_id

STRIPE: Final = "stripe"

EventStatus = Literal["pending", "handled", "quarantined", "dead"]


class Plan(Base, table=True):
    """What can be bought, and what it entitles a tenant to. Read by everybody; changed by migrations."""

    __table_args__ = (
        CheckConstraint("price_minor >= 0", name="ck_plan_price_minor"),
        CheckConstraint("interval in ('month', 'year')", name="ck_plan_interval"),
    )

    key: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(sa_type=Text)
    price_minor: int = Field(sa_type=BigInteger)
    currency: str = Field(sa_type=Text)
    interval: str = Field(sa_type=Text)
    entitlements: dict[str, int] = Field(sa_type=JSONB)
    active: bool = True
    provider_price_id: str | None = Field(default=None, unique=True, sa_type=Text)
    lookup_key: str | None = Field(default=None, unique=True, sa_type=Text)


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


class BillingCustomer(TenantOwned, table=True):
    """Which of the provider's customers a tenant is: the only way from an event to a tenant."""

    # The provider's customer is one tenant's: unique across tenants, necessarily.
    __table_args__ = (UniqueConstraint("provider", "provider_customer_id"),)

    provider: str = Field(default=STRIPE, sa_type=Text)
    provider_customer_id: str = Field(sa_type=Text)


class EntitlementOverride(TenantOwned, table=True):
    """What staff grant a tenant of one entitlement, in place of what its plan grants, until it expires.

    ``created_by`` is a user's id that references nothing: whose word it was stays known.
    """

    __table_args__ = (
        UniqueConstraint("tenant_id", "key"),
        CheckConstraint("value >= 0", name="ck_entitlement_override_value"),
        Index(None, "expires_at"),
    )

    key: str = Field(sa_type=Text)
    value: int = Field(sa_type=BigInteger)
    reason: str = Field(sa_type=Text)
    expires_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    created_by: UUID


class WebhookEvent(Base, table=True):
    """The inbox: each event of a provider once, kept until its effect is done and after."""

    __table_args__ = (
        UniqueConstraint("provider", "event_id"),
        CheckConstraint("status in ('pending', 'handled', 'quarantined', 'dead')", name="ck_webhook_event_status"),
        Index("ix_webhook_event_due", "next_attempt_at", postgresql_where=text("status = 'pending'")),
        Index("ix_webhook_event_customer", "provider", "customer"),
        Index("ix_webhook_event_quarantine", "provider", "customer", postgresql_where=text("status = 'quarantined'")),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    provider: str = Field(sa_type=Text)
    event_id: str = Field(sa_type=Text)
    type: str = Field(sa_type=Text)
    customer: str | None = Field(default=None, sa_type=Text)
    payload: dict[str, JsonValue] = Field(sa_type=JSONB)
    tenant_id: UUID | None = None
    status: str = Field(sa_type=Text)
    attempts: int
    next_attempt_at: datetime = Field(sa_type=DateTime(timezone=True))
    error: str | None = Field(default=None, sa_type=Text)
    received_at: datetime = Field(sa_type=DateTime(timezone=True))
    handled_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
