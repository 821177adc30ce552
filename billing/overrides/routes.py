from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response

from billing.overrides import service as overrides
from billing.overrides.errors import EntitlementUnknown, OverrideMissing
from billing.overrides.permissions import Action
from billing.overrides.schemas import OverridePut, OverrideRead
from insula.core.errors import InvalidValue, NotFound
from insula.core.ids import TenantId
from insula.core.paging import Page
from insula.http.kernel import kernel_of
from insula.http.responses.problems import Responses, problems
from insula.http.routing.guards import allow_staff
from insula.http.routing.route import TenantRoute
from insula.scope import StaffScope

router = APIRouter(prefix="/tenants/{tenant_id}/overrides", tags=["overrides"], route_class=TenantRoute)

TenantIdDep = Annotated[UUID, Path(description="The tenant's id.")]
KeyDep = Annotated[
    str,
    Path(
        description="The entitlement's key.",
        max_length=63,
        pattern=r"^[a-z][a-z0-9_]*$",
        examples=["projects"],
    ),
]

_MADE: Final[Responses] = {201: {"model": OverrideRead, "description": "The override is new."}}


@router.get("", summary="List a tenant's overrides", responses=problems(NotFound))
async def list_overrides(
    tenant_id: TenantIdDep, scope: Annotated[StaffScope, allow_staff(Action.READ)]
) -> Page[OverrideRead]:
    """List the tenant's overrides by key, at most one for each entitlement."""
    rows = await overrides.overrides_of(scope, TenantId(tenant_id))
    return Page[OverrideRead].whole(map(OverrideRead.of, rows))


@router.put(
    "/{entitlement_key}",
    summary="Override an entitlement",
    responses=_MADE | problems(NotFound, EntitlementUnknown, InvalidValue),
)
async def put_override(
    tenant_id: TenantIdDep,
    entitlement_key: KeyDep,
    body: OverridePut,
    scope: Annotated[StaffScope, allow_staff(Action.WRITE)],
    request: Request,
    response: Response,
) -> OverrideRead:
    """Grant this value in place of the plan's, also after changes of plan, until the override expires or is lifted."""
    row, new = await overrides.override(
        scope, TenantId(tenant_id), entitlement_key, body, kernel_of(request).entitlements
    )
    response.status_code = 201 if new else 200
    return OverrideRead.of(row)


@router.delete(
    "/{entitlement_key}", status_code=204, summary="Lift an override", responses=problems(NotFound, OverrideMissing)
)
async def lift_override(
    tenant_id: TenantIdDep, entitlement_key: KeyDep, scope: Annotated[StaffScope, allow_staff(Action.WRITE)]
) -> None:
    """Delete the override, so that the plan's value applies again."""
    await overrides.lift_override(scope, TenantId(tenant_id), entitlement_key)
