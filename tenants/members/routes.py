from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response, status

from insula.core.errors import NotFound, PreconditionFailed
from insula.core.paging import InvalidCursor, Page
from insula.http.request.preconditions import IfMatchDep
from insula.http.responses.answers import TAGGED, tagged
from insula.http.responses.problems import problems
from insula.http.routing.guards import allow
from insula.http.routing.route import TenantRoute
from insula.scope import Scope
from tenants.api_keys.schemas import ApiKeyRead
from tenants.dependencies import EmailsDep
from tenants.members import service as members
from tenants.members.errors import AlreadyOwner, LastOwner, TooManyTransfers
from tenants.members.permissions import Action
from tenants.members.schemas import MemberList, MemberRead, MemberUpdate, OwnershipTransfer
from tenants.roles.errors import Outranked, RoleUnknown

router = APIRouter(tags=["members"], route_class=TenantRoute)

MemberId = Annotated[UUID, Path(description="Id of the membership.")]


@router.get("/members", summary="List members", responses=problems(InvalidCursor))
async def list_members(
    params: Annotated[MemberList, Query()], scope: Annotated[Scope, allow(Action.READ)]
) -> Page[MemberRead]:
    """List the tenant's members; `search` looks into name and email."""
    return (await members.page(scope, params)).page(MemberRead.of)


@router.delete("/members/me", status_code=204, summary="Leave the tenant", responses=problems(LastOwner))
async def leave(scope: Annotated[Scope, allow(Action.LEAVE)]) -> None:
    """End the caller's own membership. The last owner must transfer the ownership first."""
    await members.leave(scope)


@router.get("/members/{member_id}", summary="Read a member", responses=TAGGED | problems(NotFound))
async def get_member(
    member_id: MemberId, scope: Annotated[Scope, allow(Action.READ)], response: Response
) -> MemberRead:
    """Read one member. Its `ETag` is for `If-Match` when changing it."""
    member = await members.get(scope, member_id)
    tagged(response, member)
    return MemberRead.of(member)


@router.patch(
    "/members/{member_id}",
    summary="Change a member's role",
    responses=TAGGED | problems(NotFound, Outranked, RoleUnknown, LastOwner, PreconditionFailed),
)
async def update_member(
    member_id: MemberId,
    body: MemberUpdate,
    if_match: IfMatchDep,
    scope: Annotated[Scope, allow(Action.UPDATE)],
    response: Response,
) -> MemberRead:
    """Give a member another role. The caller must have all permissions of both. It takes effect within a second."""
    member = await members.change_role(scope, member_id, body, if_match)
    tagged(response, member)
    return MemberRead.of(member)


@router.delete(
    "/members/{member_id}",
    summary="Remove a member",
    responses=problems(NotFound, Outranked, LastOwner, PreconditionFailed)
    | {204: {"description": "Removed; there are no API keys to list."}},
)
async def remove_member(
    member_id: MemberId,
    if_match: IfMatchDep,
    scope: Annotated[Scope, allow(Action.DELETE)],
    response: Response,
) -> Page[ApiKeyRead] | None:
    """Remove a member who does not outrank the caller. Their tokens for this tenant are refused within a second.

    API keys belong to the tenant and stay valid. If the member made live ones and the caller has `api_key:read`, the
    answer is 200 and lists them; `POST /v1/api-keys/revoke` revokes them all. Otherwise the answer is 204.
    """
    keys = await members.remove(scope, member_id, if_match)
    if not keys:
        response.status_code = status.HTTP_204_NO_CONTENT
        return None
    return Page[ApiKeyRead].whole(map(ApiKeyRead.of, keys))


@router.post(
    "/tenant/ownership",
    summary="Transfer the ownership",
    responses=TAGGED | problems(NotFound, AlreadyOwner, TooManyTransfers),
)
async def transfer_ownership(
    body: OwnershipTransfer,
    scope: Annotated[Scope, allow(Action.TRANSFER_OWNERSHIP)],
    emails: EmailsDep,
    response: Response,
) -> MemberRead:
    """Make another member the owner in the caller's place; the caller becomes an admin."""
    member = await members.transfer(scope, body, emails)
    tagged(response, member)
    return MemberRead.of(member)
