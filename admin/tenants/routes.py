from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from admin.tenants import service
from admin.tenants.permissions import Action
from admin.tenants.schemas import TenantCreate, TenantDetail, TenantList, TenantRead
from admin.users.errors import UserMissing, UserUnfit
from insula.core.errors import NotFound, PlanUnknown
from insula.core.ids import TenantId
from insula.core.paging import OffsetPage
from insula.http.kernel import kernel_of
from insula.http.responses.answers import LOCATED
from insula.http.responses.problems import problems
from insula.http.routing.guards import allow_staff
from insula.http.routing.route import TenantRoute
from insula.scope import StaffScope
from tenants.api import SlugTaken

router = APIRouter(prefix="/tenants", tags=["tenants"], route_class=TenantRoute)

TenantIdDep = Annotated[UUID, Path(description="The tenant's id.")]


@router.get("", summary="List tenants")
async def list_tenants(
    params: Annotated[TenantList, Query()], scope: Annotated[StaffScope, allow_staff(Action.READ)]
) -> OffsetPage[TenantRead]:
    """List all tenants of the installation; ``search`` looks into slug and name."""
    rows, total = await service.listing(scope, params)
    items = [TenantRead.model_validate(row) for row in rows]
    return OffsetPage[TenantRead](items=items, total=total, skip=params.skip, limit=params.limit)


@router.post(
    "",
    status_code=201,
    summary="Create a tenant",
    responses=LOCATED | problems(UserMissing, UserUnfit, SlugTaken, PlanUnknown),
)
async def create_tenant(
    body: TenantCreate,
    scope: Annotated[StaffScope, allow_staff(Action.CREATE)],
    request: Request,
    response: Response,
) -> TenantRead:
    """Create a tenant on any plan for an existing user, who becomes its owner."""
    tenant = await service.create(scope, body, kernel_of(request).new_tenants)
    response.headers["location"] = f"{request.url.path}/{tenant.id}"
    return TenantRead.model_validate(tenant)


@router.get("/{tenant_id}", summary="Read a tenant", responses=problems(NotFound))
async def read_tenant(
    tenant_id: TenantIdDep, scope: Annotated[StaffScope, allow_staff(Action.READ)], request: Request
) -> TenantDetail:
    """Return a tenant, the number of its members, and the usage of its quotas."""
    found = await service.overview(scope, TenantId(tenant_id), kernel_of(request).entitlements.counted)
    return TenantDetail.of(found.tenant, members=found.members, counts=found.counts)


@router.post("/{tenant_id}/suspend", summary="Suspend a tenant", responses=problems(NotFound))
async def suspend_tenant(
    tenant_id: TenantIdDep, scope: Annotated[StaffScope, allow_staff(Action.SUSPEND)]
) -> TenantRead:
    """Refuse the tenant's requests from now on, in every process. Suspending it again changes nothing."""
    return TenantRead.model_validate(await service.suspend(scope, TenantId(tenant_id)))


@router.post("/{tenant_id}/reactivate", summary="Reactivate a tenant", responses=problems(NotFound))
async def reactivate_tenant(
    tenant_id: TenantIdDep, scope: Annotated[StaffScope, allow_staff(Action.REACTIVATE)]
) -> TenantRead:
    """Serve a suspended tenant again. Reactivating an active one changes nothing."""
    return TenantRead.model_validate(await service.reactivate(scope, TenantId(tenant_id)))
