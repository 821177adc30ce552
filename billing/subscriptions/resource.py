from typing import Final

from billing.subscriptions import demo, queries, routes
from insula.app.queue_metrics import DatabaseGauge
from insula.apps import AttackHints, Resource, Tag

RESOURCE: Final = Resource(
    tag=Tag(name="subscription", description="What the tenant has bought."),
    routers=(routes.router,),
    gauges=(
        DatabaseGauge(
            "insula_subscriptions_status_unknown",
            "Subscriptions in a status that this version does not know; they keep access.",
            queries.SUBSCRIPTIONS_OF_UNKNOWN_STATUS,
        ),
    ),
    seed=demo.seed,
    attack=AttackHints(
        rows={"subscription": ({"plan_key": "pro", "status": "active", "provider_subscription_id": None},)}
    ),
)
