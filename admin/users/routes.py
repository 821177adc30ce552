from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query

from admin.staff.errors import LastSuperuser, StaffProtected
from admin.users import service
from admin.users.errors import OwnSuspension
from admin.users.permissions import Action
from admin.users.schemas import UserDetail, UserList, UserMembershipRead, UserRead
from insula.core.errors import NotFound
from insula.core.ids import UserId
from insula.core.paging import OffsetPage
from insula.http.responses.problems import problems
from insula.http.routing.guards import allow_staff
from insula.http.routing.route import TenantRoute
from insula.scope import StaffScope

router = APIRouter(prefix="/users", tags=["users"], route_class=TenantRoute)

UserIdDep = Annotated[UUID, Path(description="The user's id.")]


@router.get("", summary="List users")
async def list_users(
    params: Annotated[UserList, Query()], scope: Annotated[StaffScope, allow_staff(Action.READ)]
) -> OffsetPage[UserRead]:
    """List all users of the installation; ``search`` looks into email and name."""
    rows, total = await service.listing(scope, params)
    items = [UserRead.model_validate(row) for row in rows]
    return OffsetPage[UserRead](items=items, total=total, skip=params.skip, limit=params.limit)


@router.get("/{user_id}", summary="Read a user", responses=problems(NotFound))
async def read_user(user_id: UserIdDep, scope: Annotated[StaffScope, allow_staff(Action.READ)]) -> UserDetail:
    """Return a user and the tenants that they belong to."""
    found = await service.overview(scope, UserId(user_id))
    places = [UserMembershipRead.of(place.membership, place.tenant) for place in found.memberships]
    return UserDetail.of(found.user, found.staff_role, places)


@router.post(
    "/{user_id}/suspend",
    summary="Suspend a user",
    responses=problems(NotFound, OwnSuspension, StaffProtected, LastSuperuser),
)
async def suspend_user(user_id: UserIdDep, scope: Annotated[StaffScope, allow_staff(Action.SUSPEND)]) -> UserRead:
    """End the user's sessions, in every process, and refuse new ones. Suspending again changes nothing."""
    return UserRead.model_validate(await service.suspend(scope, UserId(user_id)))


@router.post("/{user_id}/reactivate", summary="Reactivate a user", responses=problems(NotFound, StaffProtected))
async def reactivate_user(user_id: UserIdDep, scope: Annotated[StaffScope, allow_staff(Action.REACTIVATE)]) -> UserRead:
    """Let a suspended user log in again. Their old sessions stay revoked."""
    return UserRead.model_validate(await service.reactivate(scope, UserId(user_id)))
