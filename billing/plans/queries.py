from collections.abc import Sequence

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from billing.plans.models import Plan


async def plans_on_offer(session: AsyncSession) -> Sequence[Plan]:
    """Return the plans that can be bought, cheapest first."""
    statement = select(Plan).where(col(Plan.active)).order_by(col(Plan.price_minor), col(Plan.key))
    return (await session.exec(statement)).all()


async def entitlement_keys(session: AsyncSession) -> Sequence[str]:
    """Return the keys that any plan names."""
    return (await session.exec(select(func.jsonb_object_keys(Plan.entitlements)).distinct())).all()
