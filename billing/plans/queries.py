from collections.abc import Sequence

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from billing.plans.models import Plan


async def plans_on_offer(session: AsyncSession) -> Sequence[Plan]:
    """Return the plans that can be bought, cheapest first."""
    statement = select(Plan).where(col(Plan.active)).order_by(col(Plan.price_minor), col(Plan.key))
    return (await session.exec(statement)).all()
