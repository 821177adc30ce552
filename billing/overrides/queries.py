from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from billing.overrides.models import EntitlementOverride
from insula.core.ids import TenantId
from insula.db.models import Tenant


async def tenant_exists(session: AsyncSession, tenant_id: TenantId) -> bool:
    """Return whether the tenant exists. The session's role must have the right to read all tenants."""
    return (await session.exec(select(Tenant.id).where(Tenant.id == tenant_id))).one_or_none() is not None


async def overrides(session: AsyncSession, tenant_id: TenantId, now: datetime | None) -> Sequence[EntitlementOverride]:
    """Return the tenant's overrides by key; with ``now`` only those that have not expired by then."""
    statement = select(EntitlementOverride).where(col(EntitlementOverride.tenant_id) == tenant_id)
    if now is not None:
        expires_at = col(EntitlementOverride.expires_at)
        statement = statement.where(expires_at.is_(None) | (expires_at > now))
    return (await session.exec(statement.order_by(col(EntitlementOverride.key)))).all()


async def override(session: AsyncSession, tenant_id: TenantId, key: str) -> EntitlementOverride | None:
    """Return the tenant's override of one entitlement, expired or not."""
    statement = select(EntitlementOverride).where(
        col(EntitlementOverride.tenant_id) == tenant_id, col(EntitlementOverride.key) == key
    )
    return (await session.exec(statement)).one_or_none()


async def tenants_with_expired_overrides(session: AsyncSession, now: datetime) -> Sequence[UUID]:
    """Return the tenants with expired overrides. The session's role must have the right to read all overrides."""
    statement = select(EntitlementOverride.tenant_id).where(col(EntitlementOverride.expires_at) <= now).distinct()
    return (await session.exec(statement)).all()
