from typing import Annotated

from fastapi import APIRouter

from billing.entitlements import service
from billing.entitlements.permissions import Action
from billing.entitlements.schemas import EntitlementRead
from insula.core.paging import Page
from insula.http.routing.guards import allow
from insula.http.routing.route import TenantRoute
from insula.scope import Scope

router = APIRouter(prefix="/entitlements", tags=["entitlements"], route_class=TenantRoute)


@router.get("", summary="List the tenant's entitlements")
async def list_entitlements(scope: Annotated[Scope, allow(Action.READ)]) -> Page[EntitlementRead]:
    """List the tenant's current entitlements, which every app enforces."""
    return Page[EntitlementRead].whole(map(EntitlementRead.of, await service.entitlements(scope)))
