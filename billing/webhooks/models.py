"""The inbox of the provider's events, and the mapping from the provider's customers to tenants."""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import CheckConstraint, DateTime, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from insula.core.ids import new_id
from insula.db.schema.base import Base, TenantOwned

STRIPE: Final = "stripe"
EventStatus = Literal["pending", "handled", "quarantined", "dead"]


class BillingCustomer(TenantOwned, table=True):
    """The provider's customer of a tenant. It is the only way from an event to a tenant."""

    # A customer belongs to one tenant, so it must be unique across tenants.
    __table_args__ = (UniqueConstraint("provider", "provider_customer_id"),)

    provider: str = Field(default=STRIPE, sa_type=Text)
    provider_customer_id: str = Field(sa_type=Text)


class WebhookEvent(Base, table=True):
    """An event of a provider, stored once and kept after it was handled."""

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
