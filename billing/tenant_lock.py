"""The lock behind which a tenant's plan and what it is granted change."""

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from insula.core.ids import TenantId
from insula.db.models import Tenant


async def locked_tenant(session: AsyncSession, tenant_id: TenantId) -> Tenant:
    """Return the tenant, whose plan nobody else changes until this transaction ends."""
    return (await session.exec(select(Tenant).where(Tenant.id == tenant_id).with_for_update(key_share=True))).one()
