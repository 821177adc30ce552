from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Request, Response

from insula.core.errors import PreconditionFailed
from insula.http.kernel import kernel_of
from insula.http.request.preconditions import IfMatchDep
from insula.http.responses.answers import CREATED, TAGGED, tagged
from insula.http.responses.problems import problems
from insula.http.routing.guards import allow, allow_personal
from insula.http.routing.route import TenantRoute
from insula.scope import PersonalScope, Scope
from tenants.deprecation import DEPRECATED, Deprecation
from tenants.settings import TenantsSettings
from tenants.tenants import service as tenants
from tenants.tenants.errors import SlugsUsedUp, SlugTaken, TenantsUsedUp, TooManyTenants
from tenants.tenants.permissions import Action
from tenants.tenants.schemas import PlanRead, TenantCreate, TenantRead, TenantReadV2, TenantUpdate

router = APIRouter(tags=["tenants"], route_class=TenantRoute)
router_v2 = APIRouter(tags=["tenants"], route_class=TenantRoute)

READ_V1: Final = Deprecation(
    since=datetime(2026, 11, 23, tzinfo=UTC), sunset=datetime(2027, 11, 23, tzinfo=UTC), successor="/v2/tenant"
)


@router.post(
    "/tenants",
    status_code=201,
    summary="Create a tenant",
    responses=CREATED | problems(SlugTaken, TenantsUsedUp, TooManyTenants),
)
async def create_tenant(
    body: TenantCreate,
    scope: Annotated[PersonalScope, allow_personal(Action.CREATE)],
    request: Request,
    response: Response,
) -> TenantRead:
    """Create a tenant on the free plan; the caller becomes its owner. To act in it, get a token bound to it.

    The number of tenants that one person owns is limited, and so is the number created per day.
    """
    kernel = kernel_of(request)
    owner = await kernel.directory.profile(scope.principal.user_id)
    bounds = tenants.Bounds(kernel.directory, kernel.limits, kernel.settings.of(TenantsSettings))
    tenant = await tenants.create_own(scope, body, owner, kernel.new_tenants, bounds)
    tagged(response, tenant)
    response.headers["location"] = f"{request.scope['root_path']}/v1/tenant"
    return TenantRead.of(tenant)


@router.get("/tenant", summary="Read the tenant", deprecated=True, responses=DEPRECATED)
async def get_tenant(scope: Annotated[Scope, allow(Action.READ)], request: Request, response: Response) -> TenantRead:
    """Read the caller's tenant. `/v2/tenant` also returns what its plan grants."""
    tenant = await tenants.get(scope)
    tagged(response, tenant)
    READ_V1.stamp(response, request.scope["root_path"])
    return TenantRead.of(tenant)


@router_v2.get("/tenant", summary="Read the tenant", responses=TAGGED)
async def get_tenant_v2(scope: Annotated[Scope, allow(Action.READ)], response: Response) -> TenantReadV2:
    """Read the caller's tenant, with its plan and the plan's entitlements."""
    tenant = await tenants.get(scope)
    tagged(response, tenant)
    plan = PlanRead(key=tenant.plan, entitlements=scope.tenant.entitlements)
    return TenantReadV2(**TenantRead.of(tenant).model_dump(exclude={"plan"}), plan=plan)


@router.patch(
    "/tenant", summary="Change the tenant", responses=TAGGED | problems(SlugTaken, SlugsUsedUp, PreconditionFailed)
)
async def update_tenant(
    body: TenantUpdate,
    if_match: IfMatchDep,
    scope: Annotated[Scope, allow(Action.UPDATE)],
    response: Response,
) -> TenantRead:
    """Change the fields sent; the others stay. With `If-Match`, only if nobody changed it meanwhile.

    A former slug stays usable for 30 days: its host redirects, and it names the tenant at sign-in.
    """
    tenant = await tenants.update(scope, body, if_match)
    tagged(response, tenant)
    return TenantRead.of(tenant)
