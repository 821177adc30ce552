from collections.abc import Sequence

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from insula.core.ids import TenantId
from insula.db.models import Entitlement


async def entitlements(session: AsyncSession, tenant_id: TenantId) -> Sequence[Entitlement]:
    """Return the tenant's current entitlements, sorted by key."""
    statement = select(Entitlement).where(col(Entitlement.tenant_id) == tenant_id).order_by(col(Entitlement.key))
    return (await session.exec(statement)).all()
