from collections.abc import Sequence
from typing import Final

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from billing.subscriptions.models import Subscription
from billing.subscriptions.statuses import KNOWN_STATUSES
from insula.core.ids import TenantId

SUBSCRIPTIONS_OF_UNKNOWN_STATUS: Final = select(func.count(col(Subscription.status))).where(
    col(Subscription.status).not_in(sorted(KNOWN_STATUSES))
)


async def subscriptions(session: AsyncSession, tenant_id: TenantId) -> Sequence[Subscription]:
    """Return all current and former subscriptions of the tenant."""
    return (await session.exec(select(Subscription).where(col(Subscription.tenant_id) == tenant_id))).all()
