from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query

from admin.actions import Action
from admin.errors import LastSuperuser, OwnSuspension, StaffProtected
from admin.schemas.users import SessionList, SessionRead, UserDetail, UserList, UserMembershipRead, UserRead
from admin.service import sessions, users
from insula.errors import NotFound
from insula.http.access import allow_staff
from insula.http.paging import OffsetPage
from insula.http.problems import problems
from insula.http.route import TenantRoute
from insula.ids import UserId
from insula.scope import StaffScope

router = APIRouter(prefix="/users", tags=["users"], route_class=TenantRoute)

UserIdDep = Annotated[UUID, Path(description="The user's id.")]


@router.get("", summary="List users")
async def list_users(
    params: Annotated[UserList, Query()], scope: Annotated[StaffScope, allow_staff(Action.USER_READ)]
) -> OffsetPage[UserRead]:
    """List all users of the installation; ``search`` looks into email and name."""
    rows, total = await users.listing(scope, params)
    items = [UserRead.model_validate(row) for row in rows]
    return OffsetPage[UserRead](items=items, total=total, skip=params.skip, limit=params.limit)


@router.get("/{user_id}", summary="Read a user", responses=problems(NotFound))
async def read_user(user_id: UserIdDep, scope: Annotated[StaffScope, allow_staff(Action.USER_READ)]) -> UserDetail:
    """Return a user and the tenants that they belong to."""
    found = await users.overview(scope, UserId(user_id))
    places = [UserMembershipRead.of(place.membership, place.tenant) for place in found.memberships]
    return UserDetail.of(found.user, found.staff_role, places)


@router.post(
    "/{user_id}/suspend",
    summary="Suspend a user",
    responses=problems(NotFound, OwnSuspension, StaffProtected, LastSuperuser),
)
async def suspend_user(user_id: UserIdDep, scope: Annotated[StaffScope, allow_staff(Action.USER_SUSPEND)]) -> UserRead:
    """End the user's sessions, in every process, and refuse new ones. Suspending again changes nothing."""
    return UserRead.model_validate(await users.suspend(scope, UserId(user_id)))


@router.post("/{user_id}/reactivate", summary="Reactivate a user", responses=problems(NotFound, StaffProtected))
async def reactivate_user(
    user_id: UserIdDep, scope: Annotated[StaffScope, allow_staff(Action.USER_REACTIVATE)]
) -> UserRead:
    """Let a suspended user log in again. Their old sessions stay revoked."""
    return UserRead.model_validate(await users.reactivate(scope, UserId(user_id)))


@router.get("/{user_id}/sessions", summary="List a user's logins", responses=problems(NotFound))
async def list_user_sessions(
    user_id: UserIdDep,
    params: Annotated[SessionList, Query()],
    scope: Annotated[StaffScope, allow_staff(Action.SESSION_READ)],
) -> OffsetPage[SessionRead]:
    """List the user's logins, newest first, those that are over included."""
    rows, total = await sessions.listing(scope, UserId(user_id), params)
    items = [SessionRead.model_validate(row) for row in rows]
    return OffsetPage[SessionRead](items=items, total=total, skip=params.skip, limit=params.limit)


@router.delete(
    "/{user_id}/sessions/{login_id}",
    status_code=204,
    summary="Revoke a user's login",
    responses=problems(NotFound, StaffProtected),
)
async def revoke_user_session(
    user_id: UserIdDep,
    login_id: Annotated[UUID, Path(description="The login's id.")],
    scope: Annotated[StaffScope, allow_staff(Action.SESSION_REVOKE)],
) -> None:
    """End the login and all tokens that it gave, in every process. Revoking it again changes nothing."""
    await sessions.revoke(scope, UserId(user_id), login_id)
