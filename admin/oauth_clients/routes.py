from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from admin.oauth_clients import service
from admin.oauth_clients.errors import FirstPartyClientRevoked, FirstPartyClientWithoutSecret
from admin.oauth_clients.permissions import Action
from admin.oauth_clients.schemas import (
    FirstPartyClientCreate,
    FirstPartyClientIssued,
    FirstPartyClientList,
    FirstPartyClientRead,
    FirstPartyClientRotate,
    FirstPartyClientUpdate,
)
from insula.core.errors import NotFound, PreconditionFailed
from insula.core.paging import OffsetPage
from insula.http.request.preconditions import IfMatchDep
from insula.http.responses.answers import CREATED, TAGGED, created, tagged
from insula.http.responses.problems import problems
from insula.http.routing.guards import allow_staff
from insula.http.routing.idempotency import store_instead
from insula.http.routing.route import TenantRoute
from insula.scope import StaffScope

router = APIRouter(prefix="/oauth-clients", tags=["oauth-clients"], route_class=TenantRoute)

ClientIdDep = Annotated[UUID, Path(description="The `client_id`.")]


@router.get("", summary="List the platform's OAuth clients")
async def list_first_party_clients(
    params: Annotated[FirstPartyClientList, Query()], scope: Annotated[StaffScope, allow_staff(Action.READ)]
) -> OffsetPage[FirstPartyClientRead]:
    """List the clients that belong to no tenant, revoked ones too; `search` looks into the name."""
    rows, total = await service.listing(scope, params)
    items = [FirstPartyClientRead.of(row) for row in rows]
    return OffsetPage[FirstPartyClientRead](items=items, total=total, skip=params.skip, limit=params.limit)


@router.post("", status_code=201, summary="Register an OAuth client of the platform", responses=CREATED)
async def create_first_party_client(
    body: FirstPartyClientCreate,
    scope: Annotated[StaffScope, allow_staff(Action.CREATE)],
    request: Request,
    response: Response,
) -> FirstPartyClientIssued:
    """Register a client that any user may use, in any tenant, with every scope. Only this answer has its secret."""
    row, secret = await service.create(scope, body)
    created(request, response, row)
    store_instead(request, FirstPartyClientIssued.with_secret(row, None))
    return FirstPartyClientIssued.with_secret(row, secret)


@router.get(
    "/{first_party_client_id}", summary="Read an OAuth client of the platform", responses=TAGGED | problems(NotFound)
)
async def get_first_party_client(
    first_party_client_id: ClientIdDep, scope: Annotated[StaffScope, allow_staff(Action.READ)], response: Response
) -> FirstPartyClientRead:
    """Read one client of the platform."""
    row = await service.get(scope, first_party_client_id)
    tagged(response, row)
    return FirstPartyClientRead.of(row)


@router.patch(
    "/{first_party_client_id}",
    summary="Change an OAuth client of the platform",
    responses=TAGGED | problems(NotFound, PreconditionFailed, FirstPartyClientRevoked),
)
async def update_first_party_client(
    first_party_client_id: ClientIdDep,
    body: FirstPartyClientUpdate,
    if_match: IfMatchDep,
    scope: Annotated[StaffScope, allow_staff(Action.UPDATE)],
    response: Response,
) -> FirstPartyClientRead:
    """Change the name or the redirect URIs, in every process within a second. Kind and grants never change."""
    row = await service.update(scope, first_party_client_id, body, if_match)
    tagged(response, row)
    return FirstPartyClientRead.of(row)


@router.post(
    "/{first_party_client_id}/rotate",
    summary="Give an OAuth client of the platform a new secret",
    responses=TAGGED | problems(NotFound, FirstPartyClientRevoked, FirstPartyClientWithoutSecret),
)
async def rotate_first_party_client(
    first_party_client_id: ClientIdDep,
    body: FirstPartyClientRotate,
    scope: Annotated[StaffScope, allow_staff(Action.ROTATE)],
    request: Request,
    response: Response,
) -> FirstPartyClientIssued:
    """Give the client a new secret, which only this answer contains. The old one works until the overlap ends."""
    row, secret = await service.rotate(scope, first_party_client_id, body)
    tagged(response, row)
    store_instead(request, FirstPartyClientIssued.with_secret(row, None))
    return FirstPartyClientIssued.with_secret(row, secret)


@router.delete(
    "/{first_party_client_id}",
    status_code=204,
    summary="Revoke an OAuth client of the platform",
    responses=problems(NotFound, PreconditionFailed),
)
async def revoke_first_party_client(
    first_party_client_id: ClientIdDep, if_match: IfMatchDep, scope: Annotated[StaffScope, allow_staff(Action.REVOKE)]
) -> None:
    """Revoke the client for good, in every process within a second. It stays in the list."""
    await service.revoke(scope, first_party_client_id, if_match)
