from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from insula.core.errors import NotFound, PreconditionFailed
from insula.core.paging import InvalidCursor, Page
from insula.http.request.preconditions import IfMatchDep
from insula.http.responses.answers import CREATED, TAGGED, created, tagged
from insula.http.responses.problems import problems
from insula.http.routing.guards import allow
from insula.http.routing.idempotency import store_instead
from insula.http.routing.route import TenantRoute
from insula.scope import Scope
from insula.scope.quotas import QuotaExceeded
from tenants.oauth_clients import service as oauth_clients
from tenants.oauth_clients.errors import ClientRevoked, ClientWithoutSecret, ScopeNotYours
from tenants.oauth_clients.permissions import Action
from tenants.oauth_clients.schemas import (
    ClientConsentList,
    ClientConsentRead,
    OAuthClientCreate,
    OAuthClientIssued,
    OAuthClientList,
    OAuthClientRead,
    OAuthClientRotate,
    OAuthClientUpdate,
)

router = APIRouter(prefix="/oauth-clients", tags=["oauth-clients"], route_class=TenantRoute)

ClientIdDep = Annotated[UUID, Path(description="The `client_id`.")]


@router.get("", summary="List OAuth clients", responses=problems(InvalidCursor))
async def list_oauth_clients(
    params: Annotated[OAuthClientList, Query()], scope: Annotated[Scope, allow(Action.READ)]
) -> Page[OAuthClientRead]:
    """List the tenant's OAuth clients, revoked ones too; `search` looks into the name."""
    return (await oauth_clients.page(scope, params)).page(OAuthClientRead.of)


@router.post(
    "", status_code=201, summary="Register an OAuth client", responses=CREATED | problems(ScopeNotYours, QuotaExceeded)
)
async def create_oauth_client(
    body: OAuthClientCreate,
    scope: Annotated[Scope, allow(Action.CREATE)],
    request: Request,
    response: Response,
) -> OAuthClientIssued:
    """Register a program that gets tokens for this tenant. Only this answer contains its secret."""
    row, secret = await oauth_clients.create(scope, body)
    created(request, response, row)
    store_instead(request, OAuthClientIssued.with_secret(row, None))
    return OAuthClientIssued.with_secret(row, secret)


@router.get("/{client_id}", summary="Read an OAuth client", responses=TAGGED | problems(NotFound))
async def get_oauth_client(
    client_id: ClientIdDep, scope: Annotated[Scope, allow(Action.READ)], response: Response
) -> OAuthClientRead:
    """Read one OAuth client: how it gets tokens, and what these may do."""
    row = await oauth_clients.get(scope, client_id)
    tagged(response, row)
    return OAuthClientRead.of(row)


@router.patch(
    "/{client_id}",
    summary="Change an OAuth client",
    responses=TAGGED | problems(NotFound, PreconditionFailed, ScopeNotYours, ClientRevoked),
)
async def update_oauth_client(
    client_id: ClientIdDep,
    body: OAuthClientUpdate,
    if_match: IfMatchDep,
    scope: Annotated[Scope, allow(Action.UPDATE)],
    response: Response,
) -> OAuthClientRead:
    """Change the name, the redirect URIs or the scopes, in every process within a second.

    Kind and grants never change: register another client, and revoke this one.
    """
    row = await oauth_clients.update(scope, client_id, body, if_match)
    tagged(response, row)
    return OAuthClientRead.of(row)


@router.post(
    "/{client_id}/rotate",
    summary="Give an OAuth client a new secret",
    responses=TAGGED | problems(NotFound, ScopeNotYours, ClientRevoked, ClientWithoutSecret),
)
async def rotate_oauth_client(
    client_id: ClientIdDep,
    body: OAuthClientRotate,
    scope: Annotated[Scope, allow(Action.ROTATE)],
    request: Request,
    response: Response,
) -> OAuthClientIssued:
    """Give the client a new secret, which only this answer contains. The old one works until the overlap ends."""
    row, secret = await oauth_clients.rotate(scope, client_id, body)
    tagged(response, row)
    store_instead(request, OAuthClientIssued.with_secret(row, None))
    return OAuthClientIssued.with_secret(row, secret)


@router.delete(
    "/{client_id}", status_code=204, summary="Revoke an OAuth client", responses=problems(NotFound, PreconditionFailed)
)
async def revoke_oauth_client(
    client_id: ClientIdDep, if_match: IfMatchDep, scope: Annotated[Scope, allow(Action.REVOKE)]
) -> None:
    """Revoke the client for good, in every process within a second. It stays in the list."""
    await oauth_clients.revoke(scope, client_id, if_match)


@router.get(
    "/{client_id}/consents",
    summary="List users' consents to an OAuth client",
    responses=problems(NotFound, InvalidCursor),
)
async def list_client_consents(
    client_id: ClientIdDep,
    params: Annotated[ClientConsentList, Query()],
    scope: Annotated[Scope, allow(Action.READ)],
) -> Page[ClientConsentRead]:
    """List which users have agreed that the client acts for them; `search` looks into members' names."""
    found, members = await oauth_clients.consents(scope, client_id, params)
    return found.page(lambda consent: ClientConsentRead.with_member(consent, members.get(consent.user_id)))


@router.delete(
    "/{client_id}/consents/{consent_id}",
    status_code=204,
    summary="End a user's consent to an OAuth client",
    responses=problems(NotFound),
)
async def withdraw_client_consent(
    client_id: ClientIdDep,
    consent_id: Annotated[UUID, Path(description="Id of the consent.")],
    scope: Annotated[Scope, allow(Action.REVOKE)],
) -> None:
    """End a user's consent. The client's tokens for this user are refused from then on; it may ask them again."""
    await oauth_clients.withdraw_consent(scope, client_id, consent_id)
