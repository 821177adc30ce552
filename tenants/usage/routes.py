from typing import Annotated

from fastapi import APIRouter, Request

from insula.http.kernel import kernel_of
from insula.http.routing.guards import allow
from insula.http.routing.route import TenantRoute
from insula.scope import Scope
from tenants.usage import service as usage
from tenants.usage.permissions import Action
from tenants.usage.schemas import UsageRead

router = APIRouter(prefix="/usage", tags=["usage"], route_class=TenantRoute)


@router.get("", summary="Read the usage")
async def get_usage(scope: Annotated[Scope, allow(Action.READ)], request: Request) -> UsageRead:
    """Read how much of its plan's quotas the tenant uses. Each answer's `RateLimit` has the requests per minute."""
    return await usage.read(scope, kernel_of(request).entitlements.quotas)
