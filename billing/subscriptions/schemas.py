from datetime import datetime
from typing import Self

from pydantic import ConfigDict, Field

from billing.bodies import Read
from billing.plans.models import Plan
from billing.plans.schemas import PLAN, PlanRead
from billing.subscriptions.models import Subscription


class SubscriptionRead(Read):
    """The tenant's subscription in force."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"plan": PLAN, "status": "active", "seats": 5, "current_period_end": "2026-12-23T09:00:00Z"}]
        }
    )

    plan: PlanRead
    status: str = Field(description="The subscription's status, as the provider names it.")
    seats: int | None = Field(description="Paid seats; null if only the plan sets their number.")
    current_period_end: datetime | None = Field(description="The end of the paid period; null if nothing is paid.")

    @classmethod
    def of(cls, subscription: Subscription, plan: Plan) -> Self:
        """Shape a subscription and its plan."""
        return cls(
            plan=PlanRead.of(plan),
            status=subscription.status,
            seats=subscription.seats,
            current_period_end=subscription.current_period_end,
        )
