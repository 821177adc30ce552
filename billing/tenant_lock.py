"""The lock for changes of a tenant's plan and entitlements."""

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from insula.core.ids import TenantId
from insula.db.models import Tenant


async def locked_tenant(session: AsyncSession, tenant_id: TenantId) -> Tenant:
    """Return the tenant, locked until this transaction ends."""
    return (await session.exec(select(Tenant).where(Tenant.id == tenant_id).with_for_update(key_share=True))).one()
