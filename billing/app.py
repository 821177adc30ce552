from typing import Final

from fastapi import APIRouter, FastAPI

from billing.entitlements import routes as entitlements
from billing.plans import routes as plans
from billing.subscriptions import routes as subscriptions
from billing.subscriptions.queries import SUBSCRIPTIONS_OF_UNKNOWN_STATUS
from billing.webhooks import routes as webhooks
from insula.app.factory import Tag, make_app
from insula.app.queue_metrics import DatabaseGauge
from insula.settings import Settings

_DESCRIPTION = "What a tenant has bought, what that grants it, and the payment provider's webhooks."
_TAGS: Final = (
    Tag(name="plans", description="What can be bought."),
    Tag(name="subscription", description="What the tenant has bought."),
    Tag(name="entitlements", description="What that grants it."),
    Tag(name="webhooks", description="What the payment provider calls."),
)

GAUGES: Final = (
    DatabaseGauge(
        "insula_subscriptions_status_unknown",
        "Subscriptions in a status that this version does not know; they keep access.",
        SUBSCRIPTIONS_OF_UNKNOWN_STATUS,
    ),
)


def build(settings: Settings) -> FastAPI:
    """Build the billing app, mounted at /billing."""
    v1 = APIRouter(prefix="/v1")
    for resource in (plans, subscriptions, entitlements, webhooks):
        v1.include_router(resource.router)
    return make_app(
        name="billing",
        title="Insula billing",
        description=_DESCRIPTION,
        version="1",
        settings=settings,
        routers=[v1],
        tags=_TAGS,
    )
