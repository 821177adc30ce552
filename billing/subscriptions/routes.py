from typing import Annotated

from fastapi import APIRouter

from billing.subscriptions import service
from billing.subscriptions.errors import SubscriptionMissing
from billing.subscriptions.permissions import Action
from billing.subscriptions.schemas import SubscriptionRead
from insula.http.responses.problems import problems
from insula.http.routing.guards import allow
from insula.http.routing.route import TenantRoute
from insula.scope import Scope

router = APIRouter(prefix="/subscription", tags=["subscription"], route_class=TenantRoute)


@router.get("", summary="Read the tenant's subscription", responses=problems(SubscriptionMissing))
async def read_subscription(scope: Annotated[Scope, allow(Action.READ)]) -> SubscriptionRead:
    """Return the tenant's current plan and the end of its paid period."""
    return SubscriptionRead.of(*await service.current_subscription(scope))
