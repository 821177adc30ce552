from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from admin.staff import service
from admin.staff.errors import AlreadyStaff, LastSuperuser, OwnStaffRole
from admin.staff.permissions import Action
from admin.staff.schemas import StaffAppoint, StaffList, StaffRead, StaffUpdate
from admin.users.errors import UserMissing, UserUnfit
from insula.core.errors import NotFound
from insula.core.ids import UserId
from insula.core.paging import OffsetPage
from insula.http.responses.answers import LOCATED
from insula.http.responses.problems import problems
from insula.http.routing.guards import allow_staff
from insula.http.routing.route import TenantRoute
from insula.scope import StaffScope

router = APIRouter(prefix="/staff", tags=["staff"], route_class=TenantRoute)

StaffIdDep = Annotated[UUID, Path(description="The user's id.")]


@router.get("", summary="List the staff")
async def list_staff(
    params: Annotated[StaffList, Query()], scope: Annotated[StaffScope, allow_staff(Action.READ)]
) -> OffsetPage[StaffRead]:
    """List the platform's staff; ``search`` looks into email and name."""
    rows, total = await service.listing(scope, params)
    items = [StaffRead.of(row.staff, row.user) for row in rows]
    return OffsetPage[StaffRead](items=items, total=total, skip=params.skip, limit=params.limit)


@router.post(
    "", status_code=201, summary="Appoint a user", responses=LOCATED | problems(UserMissing, UserUnfit, AlreadyStaff)
)
async def appoint_staff(
    body: StaffAppoint,
    scope: Annotated[StaffScope, allow_staff(Action.APPOINT)],
    request: Request,
    response: Response,
) -> StaffRead:
    """Make an existing user a member of the staff, at once in every process. Other people must register first."""
    made = await service.appoint(scope, body)
    response.headers["location"] = f"{request.url.path}/{made.user.id}"
    return StaffRead.of(made.staff, made.user)


@router.patch("/{staff_id}", summary="Change a role", responses=problems(NotFound, OwnStaffRole, LastSuperuser))
async def change_staff_role(
    staff_id: StaffIdDep, body: StaffUpdate, scope: Annotated[StaffScope, allow_staff(Action.UPDATE)]
) -> StaffRead:
    """Give another member of the staff a new role, at once in every process."""
    changed = await service.change_role(scope, UserId(staff_id), body.role)
    return StaffRead.of(changed.staff, changed.user)


@router.delete(
    "/{staff_id}",
    status_code=204,
    summary="Dismiss a member of the staff",
    responses=problems(NotFound, OwnStaffRole, LastSuperuser),
)
async def dismiss_staff(staff_id: StaffIdDep, scope: Annotated[StaffScope, allow_staff(Action.DISMISS)]) -> None:
    """Remove another member from the staff, at once in every process. Their account stays."""
    await service.dismiss(scope, UserId(staff_id))
