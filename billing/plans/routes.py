from typing import Annotated

from fastapi import APIRouter

from billing.plans import service
from billing.plans.permissions import Action
from billing.plans.schemas import PlanRead
from insula.core.paging import Page
from insula.http.routing.guards import allow
from insula.http.routing.route import TenantRoute
from insula.scope import Scope

router = APIRouter(prefix="/plans", tags=["plans"], route_class=TenantRoute)


@router.get("", summary="List the plans on offer")
async def list_plans(scope: Annotated[Scope, allow(Action.READ)]) -> Page[PlanRead]:
    """List every plan that can be bought, cheapest first, with what it grants."""
    return Page[PlanRead].whole(map(PlanRead.of, await service.plans_on_offer(scope)))
