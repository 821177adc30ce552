"""Which plan a tenant is on, and what follows from it: the subscription in force, the entitlements."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from billing import queries
from billing.errors import PlanUnknown
from billing.events import ENDED_STATUSES
from billing.models import Plan, Subscription
from insula import clock
from insula.db.models import Entitlement
from insula.ids import TenantId

FREE: Final = "free"
_BEFORE_ALL: Final = datetime(1, 1, 1, tzinfo=UTC)


async def start_free(session: AsyncSession, tenant_id: TenantId) -> None:
    """Put a new tenant on the free plan. Runs in the transaction that makes the tenant."""
    await start_on(session, tenant_id, FREE)


async def start_on(session: AsyncSession, tenant_id: TenantId, plan_key: str) -> None:
    """Put a new tenant on a plan, in the transaction that makes the tenant. Raises PlanUnknown."""
    plan = await _plan(session, plan_key)
    session.add(_house_subscription(tenant_id, plan))
    session.add_all(
        Entitlement(tenant_id=tenant_id, key=key, value=value, updated_at=clock.now())
        for key, value in plan.entitlements.items()
    )
    await session.flush()


async def apply_plan(session: AsyncSession, tenant_id: TenantId, plan_key: str) -> None:
    """Grant the tenant a plan of the house's own accord; a live subscription of the provider goes before it.

    Raises PlanUnknown.
    """
    plan = await _plan(session, plan_key)
    await queries.locked_tenant(session, tenant_id)
    rows = await queries.subscriptions(session, tenant_id)
    house = next((row for row in rows if row.provider_subscription_id is None), None)
    if house is None:
        session.add(_house_subscription(tenant_id, plan))
    else:
        house.plan_key = plan.key
    await session.flush()
    await settle(session, tenant_id)


async def settle(session: AsyncSession, tenant_id: TenantId) -> None:
    """Make the tenant's plan and entitlements follow its subscriptions, whatever they were."""
    tenant = await queries.locked_tenant(session, tenant_id)
    current = in_force(await queries.subscriptions(session, tenant_id))
    plan = await _plan(session, FREE if current is None else current.plan_key)
    tenant.plan = plan.key
    await _entitle(session, tenant_id, plan)


async def regrant(session: AsyncSession, tenant_id: TenantId) -> None:
    """Make the tenant's entitlements follow its plan and its overrides, whatever they were."""
    tenant = await queries.locked_tenant(session, tenant_id)
    await _entitle(session, tenant_id, await _plan(session, tenant.plan))


def in_force(rows: Sequence[Subscription]) -> Subscription | None:
    """Return the subscription that counts: of the live ones the newest, else the house's own.

    A status that is not known here counts as live: a payer must not lose access to a word that the provider added.
    """
    counting = [row for row in rows if row.provider_subscription_id is None or row.status not in ENDED_STATUSES]
    return max(counting, key=_newness, default=None)


def _newness(row: Subscription) -> tuple[datetime, str]:
    return row.provider_created_at or _BEFORE_ALL, row.provider_subscription_id or ""


async def _plan(session: AsyncSession, key: str) -> Plan:
    plan = await session.get(Plan, key)
    if plan is None:
        raise PlanUnknown
    return plan


def _house_subscription(tenant_id: TenantId, plan: Plan) -> Subscription:
    return Subscription(tenant_id=tenant_id, plan_key=plan.key, status="active")


async def _entitle(session: AsyncSession, tenant_id: TenantId, plan: Plan) -> None:
    """Grant what the plan says, save where staff's word stands in its place. The tenant is locked."""
    overrides = await queries.overrides(session, tenant_id, clock.now())
    await _grant(session, tenant_id, plan.entitlements | {override.key: override.value for override in overrides})
    await session.flush()


async def _grant(session: AsyncSession, tenant_id: TenantId, granted: Mapping[str, int]) -> None:
    rows = {row.key: row for row in await queries.entitlements(session, tenant_id)}
    for key, value in granted.items():
        row = rows.pop(key, None)
        if row is None:
            session.add(Entitlement(tenant_id=tenant_id, key=key, value=value, updated_at=clock.now()))
        elif row.value != value:
            row.value, row.updated_at = value, clock.now()
    for left_over in rows.values():
        await session.delete(left_over)
