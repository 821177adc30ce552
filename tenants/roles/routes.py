from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response

from insula.core.errors import NotFound, PreconditionFailed
from insula.core.paging import Page
from insula.http.request.preconditions import IfMatchDep
from insula.http.responses.answers import CREATED, TAGGED, created, tagged
from insula.http.responses.problems import problems
from insula.http.routing.guards import allow
from insula.http.routing.route import TenantRoute
from insula.scope import Scope
from tenants.roles import service as roles
from tenants.roles.errors import Outranked, RoleInUse, RoleKeyTaken, RolesUsedUp
from tenants.roles.permissions import Action
from tenants.roles.schemas import BuiltInRoleRead, PermissionRead, RoleCreate, RoleList, RoleRead, RoleUpdate

router = APIRouter(tags=["roles"], route_class=TenantRoute)

RoleId = Annotated[UUID, Path(description="Id of a custom role.")]


@router.get("/permissions", summary="List permissions")
async def list_permissions(scope: Annotated[Scope, allow(Action.READ)]) -> Page[PermissionRead]:
    """List the permissions that custom roles can have, by app and code. Those of owners only are not among them."""
    return Page[PermissionRead].whole(map(PermissionRead.of, scope.policy.published.values()))


@router.get("/roles", summary="List roles")
async def list_roles(scope: Annotated[Scope, allow(Action.READ)]) -> RoleList:
    """List the roles that members can have: the built-in ones and the tenant's custom roles."""
    built_in = [BuiltInRoleRead(key=key, permissions=sorted(granted)) for key, granted in scope.policy.built_in.items()]
    return RoleList(built_in=built_in, own=[RoleRead.of(role) for role in await roles.every(scope)])


@router.post(
    "/roles",
    status_code=201,
    summary="Define a role",
    responses=CREATED | problems(Outranked, RoleKeyTaken, RolesUsedUp),
)
async def create_role(
    body: RoleCreate, scope: Annotated[Scope, allow(Action.CREATE)], request: Request, response: Response
) -> RoleRead:
    """Define a role with permissions that the caller's own role has. Its key assigns it to members."""
    role = await roles.create(scope, body)
    created(request, response, role)
    return RoleRead.of(role)


@router.get("/roles/{role_id}", summary="Read a role", responses=TAGGED | problems(NotFound))
async def get_role(role_id: RoleId, scope: Annotated[Scope, allow(Action.READ)], response: Response) -> RoleRead:
    """Read one of the tenant's custom roles. Its `ETag` is for `If-Match` when changing it."""
    role = await roles.get(scope, role_id)
    tagged(response, role)
    return RoleRead.of(role)


@router.patch(
    "/roles/{role_id}",
    summary="Change a role",
    responses=TAGGED | problems(NotFound, Outranked, PreconditionFailed),
)
async def update_role(
    role_id: RoleId,
    body: RoleUpdate,
    if_match: IfMatchDep,
    scope: Annotated[Scope, allow(Action.UPDATE)],
    response: Response,
) -> RoleRead:
    """Change a role. The caller must have all of its permissions, before and after. It takes effect within a second."""
    role = await roles.update(scope, role_id, body, if_match)
    tagged(response, role)
    return RoleRead.of(role)


@router.delete(
    "/roles/{role_id}",
    status_code=204,
    summary="Delete a role",
    responses=problems(NotFound, Outranked, RoleInUse, PreconditionFailed),
)
async def delete_role(role_id: RoleId, if_match: IfMatchDep, scope: Annotated[Scope, allow(Action.DELETE)]) -> None:
    """Delete a role that no member has and no open invitation names."""
    await roles.delete(scope, role_id, if_match)
