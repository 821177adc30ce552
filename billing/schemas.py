"""What goes over billing's wire."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from billing.models import Plan, Subscription
from insula.db.models import Entitlement

_EXAMPLE_PERIOD_END = "2026-12-23T09:00:00Z"

PlanKey = Annotated[str, Field(min_length=1, max_length=50, description="The plan's stable name.", examples=["pro"])]


class _Read(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Money(_Read):
    """An amount in the currency's smallest unit, so that nothing is ever rounded."""

    amount_minor: int = Field(ge=0, description="In the smallest unit, e.g. cents.", examples=[4900])
    currency: str = Field(min_length=3, max_length=3, description="ISO 4217, lower case.", examples=["eur"])


class EntitlementRead(_Read):
    """One thing that a plan grants, and how much of it."""

    key: str = Field(description="What is granted.", examples=["requests_per_minute"])
    value: int = Field(description="How much of it.", examples=[6000])

    @classmethod
    def of(cls, row: Entitlement) -> Self:
        """Shape a tenant's entitlement."""
        return cls(key=row.key, value=row.value)


class PlanRead(_Read):
    """A plan that can be bought."""

    key: PlanKey
    name: str = Field(description="For people to read.", examples=["Pro"])
    price: Money = Field(description="What one interval costs.")
    interval: Literal["month", "year"] = Field(description="How often the price is due.", examples=["month"])
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

    plan: PlanRead
    status: str = Field(description="The provider's word for the subscription's state.", examples=["active"])
    seats: int | None = Field(description="Seats paid for; null where the plan alone says.", examples=[5])
    current_period_end: datetime | None = Field(
        description="Paid until then; null where nothing is paid.", examples=[_EXAMPLE_PERIOD_END]
    )

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

    received: Literal[True] = Field(default=True, description="Always true.", examples=[True])
