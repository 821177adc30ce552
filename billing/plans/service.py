"""Plans: read here, changed by migrations."""

from collections.abc import Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from billing.plans import queries
from billing.plans.models import Plan
from insula.core.errors import PlanUnknown
from insula.scope import Scope


async def plans_on_offer(scope: Scope) -> Sequence[Plan]:
    """Return the plans that can be bought, cheapest first."""
    return await queries.plans_on_offer(scope.unit.session)


async def plan_of(session: AsyncSession, key: str) -> Plan:
    """Return the plan with this key. Raises PlanUnknown."""
    plan = await session.get(Plan, key)
    if plan is None:
        raise PlanUnknown
    return plan
