"""What goes over billing's wire."""

from datetime import datetime
from typing import Final, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from billing.models import EventStatus, Plan, Subscription
from insula.db.models import Entitlement
from insula.http.paging import OffsetParams

_GRANT: Final[JsonDict] = {"key": "requests_per_minute", "value": 6000}
_PRICE: Final[JsonDict] = {"amount_minor": 4900, "currency": "eur"}
_PLAN: Final[JsonDict] = {
    "key": "pro",
    "name": "Pro",
    "price": _PRICE,
    "interval": "month",
    "entitlements": [_GRANT, {"key": "seats", "value": 50}],
}


class _Read(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Money(_Read):
    """An amount in the currency's smallest unit, so that nothing is ever rounded."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PRICE]})

    amount_minor: int = Field(ge=0, description="In the smallest unit, e.g. cents.")
    currency: str = Field(min_length=3, max_length=3, description="ISO 4217, lower case.")


class EntitlementRead(_Read):
    """One thing that a plan grants, and how much of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_GRANT]})

    key: str = Field(description="What is granted.")
    value: int = Field(description="How much of it.")

    @classmethod
    def of(cls, row: Entitlement) -> Self:
        """Shape a tenant's entitlement."""
        return cls(key=row.key, value=row.value)


class PlanRead(_Read):
    """A plan that can be bought."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PLAN]})

    key: str = Field(description="The plan's stable name.")
    name: str = Field(description="For people to read.")
    price: Money = Field(description="What one interval costs.")
    interval: Literal["month", "year"] = Field(description="How often the price is due.")
    entitlements: list[EntitlementRead] = Field(description="What the plan grants, sorted by key.")

    @classmethod
    def of(cls, plan: Plan) -> Self:
        """Shape a plan."""
        granted = [EntitlementRead(key=key, value=value) for key, value in sorted(plan.entitlements.items())]
        return cls.model_validate(
            {
                "key": plan.key,
                "name": plan.name,
                "price": Money(amount_minor=plan.price_minor, currency=plan.currency),
                "interval": plan.interval,
                "entitlements": granted,
            }
        )


class SubscriptionRead(_Read):
    """What the tenant has now."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"plan": _PLAN, "status": "active", "seats": 5, "current_period_end": "2026-12-23T09:00:00Z"}]
        }
    )

    plan: PlanRead
    status: str = Field(description="The provider's word for the subscription's state.")
    seats: int | None = Field(description="Seats paid for; null where the plan alone says.")
    current_period_end: datetime | None = Field(description="Paid until then; null where nothing is paid.")

    @classmethod
    def of(cls, subscription: Subscription, plan: Plan) -> Self:
        """Shape a subscription and its plan."""
        return cls(
            plan=PlanRead.of(plan),
            status=subscription.status,
            seats=subscription.seats,
            current_period_end=subscription.current_period_end,
        )


class WebhookReceipt(_Read):
    """The event is stored; the provider need not send it again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"received": True}]})

    received: Literal[True] = Field(default=True, description="Always true.")


class WebhookEventRead(_Read):
    """An event of the provider's, as staff see it: without its payload."""

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
    event_id: str = Field(description="The provider's id of it.")
    type: str
    customer: str | None = Field(description="The provider's customer that it is about.")
    tenant_id: UUID | None = Field(description="Whose customer that is, where it is known.")
    status: EventStatus = Field(description="`dead`: out of attempts. `quarantined`: the customer is nobody's here.")
    attempts: int
    next_attempt_at: datetime = Field(description="Of a pending one: when it is tried next.")
    error: str | None = Field(description="What went wrong last.")
    received_at: datetime
    handled_at: datetime | None


class WebhookEventList(OffsetParams):
    """Which events. ``search`` looks into the provider's ids and the error."""

    status: EventStatus | None = Field(None, description="Only those in this state.")
    type: str | None = Field(None, min_length=1, max_length=255, description="Only those of this type.")
    tenant_id: UUID | None = Field(None, description="Only this tenant's.")
    sort_by: Literal["received_at", "-received_at"] = Field(
        "-received_at", description="What to sort by; a leading '-' sorts downwards."
    )
