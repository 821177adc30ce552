"""The payment provider's events, as staff see them."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from billing.bodies import Read
from billing.webhooks.models import EventStatus
from insula.core.moments import Moment
from insula.core.paging import SkipParams


class WebhookEventRead(Read):
    """An event of the payment provider, without its payload."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "019ab2c4-1000-7000-8000-a5b6c7d8e9f0",
                    "provider": "stripe",
                    "event_id": "evt_1SXt2c",
                    "type": "customer.subscription.updated",
                    "customer": "cus_TUr4kq",
                    "tenant_id": "019ab2c4-0a00-7000-8000-5162738495a6",
                    "status": "dead",
                    "attempts": 8,
                    "next_attempt_at": "2026-11-23T12:00:00Z",
                    "error": "PriceUnknown: No plan is sold at price price_basic",
                    "received_at": "2026-11-23T08:00:00Z",
                    "handled_at": None,
                }
            ]
        },
    )

    id: UUID
    provider: str
    event_id: str = Field(description="The provider's id of the event.")
    type: str
    customer: str | None = Field(description="The provider's customer of the event.")
    tenant_id: UUID | None = Field(description="The tenant of that customer, if known.")
    status: EventStatus = Field(description="`dead`: out of attempts. `quarantined`: no tenant has this customer.")
    attempts: int
    next_attempt_at: datetime = Field(description="When a pending event is tried next.")
    error: str | None = Field(description="The last error.")
    received_at: datetime
    handled_at: datetime | None


class WebhookEventList(SkipParams):
    """Query parameters of the list of events. ``search`` looks into the provider's ids and the error."""

    status: EventStatus | None = Field(None, description="Only those in this state.")
    type: str | None = Field(None, min_length=1, max_length=255, description="Only those of this type.")
    tenant_id: UUID | None = Field(None, description="Only this tenant's.")
    received_since: Moment | None = Field(None, description="Only those received at or after this time.")
    received_until: Moment | None = Field(None, description="Only those received before this time.")
    sort_by: Literal["received_at", "-received_at"] = Field(
        "-received_at", description="The field to sort by; a leading '-' sorts in descending order."
    )
