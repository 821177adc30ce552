"""What a tenant may see of its money."""

from collections.abc import Sequence

from billing import queries
from billing.errors import SubscriptionMissing
from billing.models import Plan, Subscription
from billing.service import plans
from insula.db.models import Entitlement
from insula.scope import Scope


async def plans_on_offer(scope: Scope) -> Sequence[Plan]:
    """Return the plans that can be bought, cheapest first."""
    return await queries.plans_on_offer(scope.unit.session)


async def current_subscription(scope: Scope) -> tuple[Subscription, Plan]:
    """Return the subscription in force and its plan. Raises SubscriptionMissing."""
    session = scope.unit.session
    subscription = plans.in_force(await queries.subscriptions(session, scope.tenant.id))
    plan = None if subscription is None else await session.get(Plan, subscription.plan_key)
    if subscription is None or plan is None:
        raise SubscriptionMissing
    return subscription, plan


async def entitlements(scope: Scope) -> Sequence[Entitlement]:
    """Return what the tenant is granted now, sorted by key."""
    return await queries.entitlements(scope.unit.session, scope.tenant.id)
