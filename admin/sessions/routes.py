from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query

from admin.sessions import service
from admin.sessions.permissions import Action
from admin.sessions.schemas import SessionList, SessionRead
from admin.staff.errors import StaffProtected
from insula.core.errors import NotFound
from insula.core.ids import UserId
from insula.core.paging import OffsetPage
from insula.http.responses.problems import problems
from insula.http.routing.guards import allow_staff
from insula.http.routing.route import TenantRoute
from insula.scope import StaffScope

router = APIRouter(prefix="/users/{user_id}/sessions", tags=["users"], route_class=TenantRoute)

UserIdDep = Annotated[UUID, Path(description="The user's id.")]


@router.get("", summary="List a user's logins", responses=problems(NotFound))
async def list_user_sessions(
    user_id: UserIdDep,
    params: Annotated[SessionList, Query()],
    scope: Annotated[StaffScope, allow_staff(Action.READ)],
) -> OffsetPage[SessionRead]:
    """List the user's logins, including ended ones, newest first."""
    rows, total = await service.listing(scope, UserId(user_id), params)
    items = [SessionRead.model_validate(row) for row in rows]
    return OffsetPage[SessionRead](items=items, total=total, skip=params.skip, limit=params.limit)


@router.delete(
    "/{login_id}",
    status_code=204,
    summary="Revoke a user's login",
    responses=problems(NotFound, StaffProtected),
)
async def revoke_user_session(
    user_id: UserIdDep,
    login_id: Annotated[UUID, Path(description="The login's id.")],
    scope: Annotated[StaffScope, allow_staff(Action.REVOKE)],
) -> None:
    """End the login and all of its tokens, in every process. Revoking it again changes nothing."""
    await service.revoke(scope, UserId(user_id), login_id)
