"""Writes a tenant's entitlements from its plan and the overrides by staff."""

from collections.abc import Mapping

from sqlmodel.ext.asyncio.session import AsyncSession

from billing.entitlements import queries as entitlements
from billing.overrides import queries as overrides
from billing.plans.models import Plan
from billing.plans.service import plan_of
from billing.tenant_lock import locked_tenant
from insula.core import clock
from insula.core.ids import TenantId
from insula.db.models import Entitlement


async def regrant(session: AsyncSession, tenant_id: TenantId) -> None:
    """Set the tenant's entitlements from its plan and its overrides, whatever they were before."""
    tenant = await locked_tenant(session, tenant_id)
    await grant_plan(session, tenant_id, await plan_of(session, tenant.plan))


async def grant_plan(session: AsyncSession, tenant_id: TenantId, plan: Plan) -> None:
    """Grant the plan's entitlements, except those that staff have overridden. The caller has locked the tenant."""
    current = await overrides.overrides(session, tenant_id, clock.now())
    await _grant(session, tenant_id, plan.entitlements | {override.key: override.value for override in current})
    await session.flush()


async def _grant(session: AsyncSession, tenant_id: TenantId, granted: Mapping[str, int]) -> None:
    rows = {row.key: row for row in await entitlements.entitlements(session, tenant_id)}
    for key, value in granted.items():
        row = rows.pop(key, None)
        if row is None:
            session.add(Entitlement(tenant_id=tenant_id, key=key, value=value, updated_at=clock.now()))
        elif row.value != value:
            row.value, row.updated_at = value, clock.now()
    for left_over in rows.values():
        await session.delete(left_over)
