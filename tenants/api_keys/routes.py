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
from tenants.api_keys import service as api_keys
from tenants.api_keys.errors import ActionNotYours, ApiKeyDead, RateAboveTenants
from tenants.api_keys.permissions import Action
from tenants.api_keys.schemas import (
    ApiKeyCreate,
    ApiKeyIssued,
    ApiKeyList,
    ApiKeyRead,
    ApiKeyRotate,
    ApiKeysRevoke,
    ApiKeyUpdate,
)

router = APIRouter(prefix="/api-keys", tags=["api-keys"], route_class=TenantRoute)

KeyId = Annotated[UUID, Path(description="Id of the API key.")]


@router.get("", summary="List API keys", responses=problems(InvalidCursor))
async def list_api_keys(
    params: Annotated[ApiKeyList, Query()], scope: Annotated[Scope, allow(Action.READ)]
) -> Page[ApiKeyRead]:
    """List the tenant's API keys, revoked ones too; `search` looks into the name."""
    return (await api_keys.page(scope, params)).page(ApiKeyRead.of)


@router.post(
    "",
    status_code=201,
    summary="Make an API key",
    responses=CREATED | problems(ActionNotYours, QuotaExceeded, RateAboveTenants),
)
async def create_api_key(
    body: ApiKeyCreate,
    scope: Annotated[Scope, allow(Action.CREATE)],
    request: Request,
    response: Response,
) -> ApiKeyIssued:
    """Make a key for a program that acts in the tenant. Only this answer contains its secret."""
    row, key = await api_keys.create(scope, body)
    created(request, response, row)
    store_instead(request, ApiKeyIssued.with_secret(row, None))
    return ApiKeyIssued.with_secret(row, key)


@router.post("/revoke", summary="Revoke a user's API keys", responses=problems(NotFound))
async def revoke_api_keys(body: ApiKeysRevoke, scope: Annotated[Scope, allow(Action.REVOKE)]) -> Page[ApiKeyRead]:
    """Revoke every live key that a member or former member made, and list the keys."""
    return Page[ApiKeyRead].whole(map(ApiKeyRead.of, await api_keys.revoke_all(scope, body.created_by)))


@router.get("/{key_id}", summary="Read an API key", responses=TAGGED | problems(NotFound))
async def get_api_key(key_id: KeyId, scope: Annotated[Scope, allow(Action.READ)], response: Response) -> ApiKeyRead:
    """Read one API key: what it may do, whether it works, and when it was last used."""
    row = await api_keys.get(scope, key_id)
    tagged(response, row)
    return ApiKeyRead.of(row)


@router.patch(
    "/{key_id}",
    summary="Change an API key",
    responses=TAGGED | problems(NotFound, PreconditionFailed, RateAboveTenants),
)
async def update_api_key(
    key_id: KeyId,
    body: ApiKeyUpdate,
    if_match: IfMatchDep,
    scope: Annotated[Scope, allow(Action.UPDATE)],
    response: Response,
) -> ApiKeyRead:
    """Change the name or, with `api_key:limit`, the rate.

    The actions of a key never change: make another key, and revoke this one.
    """
    row = await api_keys.update(scope, key_id, body, if_match)
    tagged(response, row)
    return ApiKeyRead.of(row)


@router.post(
    "/{key_id}/rotate",
    summary="Give an API key a new secret",
    responses=TAGGED | problems(NotFound, ActionNotYours, ApiKeyDead),
)
async def rotate_api_key(
    key_id: KeyId,
    body: ApiKeyRotate,
    scope: Annotated[Scope, allow(Action.ROTATE)],
    request: Request,
    response: Response,
) -> ApiKeyIssued:
    """Give the key a new secret, which only this answer contains. The old one works until the overlap ends."""
    row, key = await api_keys.rotate(scope, key_id, body)
    tagged(response, row)
    store_instead(request, ApiKeyIssued.with_secret(row, None))
    return ApiKeyIssued.with_secret(row, key)


@router.delete(
    "/{key_id}", status_code=204, summary="Revoke an API key", responses=problems(NotFound, PreconditionFailed)
)
async def revoke_api_key(key_id: KeyId, if_match: IfMatchDep, scope: Annotated[Scope, allow(Action.REVOKE)]) -> None:
    """Revoke the key for good, in every process within a second. It stays in the list."""
    await api_keys.revoke(scope, key_id, if_match)
