"""The tenant's subscription in force, and its effect on plan and entitlements."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from billing import granting
from billing.plans.models import Plan
from billing.plans.service import plan_of
from billing.subscriptions import queries
from billing.subscriptions.errors import SubscriptionMissing
from billing.subscriptions.models import Subscription
from billing.subscriptions.statuses import ENDED_STATUSES
from billing.tenant_lock import locked_tenant
from insula.core import clock
from insula.core.ids import TenantId
from insula.db.models import FREE, Entitlement
from insula.scope import Scope

_BEFORE_ALL: Final = datetime(1, 1, 1, tzinfo=UTC)


async def current_subscription(scope: Scope) -> tuple[Subscription, Plan]:
    """Return the subscription in force and its plan. Raises SubscriptionMissing."""
    session = scope.unit.session
    subscription = in_force(await queries.subscriptions(session, scope.tenant.id))
    plan = None if subscription is None else await session.get(Plan, subscription.plan_key)
    if subscription is None or plan is None:
        raise SubscriptionMissing
    return subscription, plan


async def start_on(session: AsyncSession, tenant_id: TenantId, plan_key: str) -> None:
    """Put a new tenant on a plan, in the transaction that makes the tenant. Raises PlanUnknown."""
    plan = await plan_of(session, plan_key)
    session.add(_internal_subscription(tenant_id, plan))
    session.add_all(
        Entitlement(tenant_id=tenant_id, key=key, value=value, updated_at=clock.now())
        for key, value in plan.entitlements.items()
    )
    await session.flush()


async def apply_plan(session: AsyncSession, tenant_id: TenantId, plan_key: str) -> None:
    """Set the plan of the tenant's internal subscription; a live subscription of the provider takes precedence.

    Raises PlanUnknown.
    """
    plan = await plan_of(session, plan_key)
    await locked_tenant(session, tenant_id)
    rows = await queries.subscriptions(session, tenant_id)
    internal = next((row for row in rows if row.provider_subscription_id is None), None)
    if internal is None:
        session.add(_internal_subscription(tenant_id, plan))
    else:
        internal.plan_key = plan.key
    await session.flush()
    await apply_subscriptions(session, tenant_id)


async def apply_subscriptions(session: AsyncSession, tenant_id: TenantId) -> None:
    """Set the tenant's plan and entitlements from its subscriptions, whatever they were before."""
    tenant = await locked_tenant(session, tenant_id)
    current = in_force(await queries.subscriptions(session, tenant_id))
    plan = await plan_of(session, FREE if current is None else current.plan_key)
    tenant.plan = plan.key
    await granting.grant_plan(session, tenant_id, plan)


def in_force(rows: Sequence[Subscription]) -> Subscription | None:
    """Return the subscription in force: the newest live one of the provider, otherwise the internal one.

    An unknown status counts as live: a payer must not lose access because the provider added a status.
    """
    counting = [row for row in rows if row.provider_subscription_id is None or row.status not in ENDED_STATUSES]
    return max(counting, key=_newness, default=None)


def _newness(row: Subscription) -> tuple[datetime, str]:
    return row.provider_created_at or _BEFORE_ALL, row.provider_subscription_id or ""


def _internal_subscription(tenant_id: TenantId, plan: Plan) -> Subscription:
    return Subscription(tenant_id=tenant_id, plan_key=plan.key, status="active")
