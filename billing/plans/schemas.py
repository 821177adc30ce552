from typing import Final, Literal, Self

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from billing.bodies import Read
from billing.entitlements.schemas import GRANT, EntitlementRead
from billing.plans.models import Plan

_PRICE: Final[JsonDict] = {"amount_minor": 4900, "currency": "eur"}
PLAN: Final[JsonDict] = {
    "key": "pro",
    "name": "Pro",
    "price": _PRICE,
    "interval": "month",
    "entitlements": [GRANT, {"key": "seats", "value": 50}],
}


class Money(Read):
    """An amount in the currency's smallest unit, so that nothing is ever rounded."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PRICE]})

    amount_minor: int = Field(ge=0, description="In the smallest unit, e.g. cents.")
    currency: str = Field(min_length=3, max_length=3, description="ISO 4217, lower case.")


class PlanRead(Read):
    """A plan that can be bought."""

    model_config = ConfigDict(json_schema_extra={"examples": [PLAN]})

    key: str = Field(description="The plan's stable name.")
    name: str = Field(description="The name for people.")
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
