from typing import Final

from billing.database import BILLING, STAFF, TENANTS
from billing.subscriptions import demo, queries, routes
from billing.subscriptions.models import Subscription
from billing.subscriptions.permissions import Action
from insula.apps import AttackHints, Resource, Tag
from insula.db.engine.roles import GATE
from insula.db.models import Entitlement, Tenant
from insula.db.schema.rights import key_exception, may
from insula.site.queue_metrics import DatabaseGauge

RESOURCE: Final = Resource(
    tag=Tag(name="subscription", description="The tenant's subscription to a plan."),
    routers=(routes.router,),
    permissions=Action,
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
    tables=(
        may(BILLING, "tenant", Subscription, "SELECT", "INSERT", "UPDATE"),
        may(BILLING, "tenant", Tenant, "SELECT", "UPDATE plan, updated_at, version"),
        # The transaction that creates a tenant also inserts its subscription to a plan and the plan's entitlements.
        *(may(role, "tenant", table, "INSERT") for role in (TENANTS, STAFF) for table in (Subscription, Entitlement)),
        may(STAFF, "all", Subscription, "SELECT"),
        may(GATE, "all", Subscription, "SELECT tenant_id, status"),  # the gauge above
        key_exception(Subscription, "reference", "plan", reason="plans are global"),
    ),
)
