from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from insula.core.errors import NotFound, PreconditionFailed
from insula.core.paging import InvalidCursor, Page
from insula.http.request.preconditions import IfMatchDep
from insula.http.responses.answers import CREATED, TAGGED, created, tagged
from insula.http.responses.problems import problems
from insula.http.routing.guards import allow
from insula.http.routing.route import Largest, TenantRoute
from insula.scope import Scope
from insula.scope.quotas import QuotaExceeded
from tenants.items import service as items
from tenants.items.errors import AssigneeNotFound
from tenants.items.permissions import Action
from tenants.items.schemas import ItemBulkCreate, ItemBulkRead, ItemCreate, ItemList, ItemRead, ItemUpdate
from tenants.projects.routes import ProjectId

router = APIRouter(prefix="/projects/{project_id}/items", tags=["items"], route_class=TenantRoute)

ItemId = Annotated[UUID, Path(description="Id of the item.")]


@router.get("", summary="List items", responses=problems(NotFound, InvalidCursor))
async def list_items(
    project_id: ProjectId, params: Annotated[ItemList, Query()], scope: Annotated[Scope, allow(Action.READ)]
) -> Page[ItemRead]:
    """List a project's items; `search` looks into title and body."""
    return (await items.page(scope, project_id, params)).page(ItemRead.of)


@router.post(
    "",
    status_code=201,
    summary="Create an item",
    responses=CREATED | problems(NotFound, AssigneeNotFound, QuotaExceeded),
)
async def create_item(
    project_id: ProjectId,
    body: ItemCreate,
    scope: Annotated[Scope, allow(Action.CREATE)],
    request: Request,
    response: Response,
) -> ItemRead:
    """Create an item in a project. The plan limits how many the tenant can have."""
    item = await items.create(scope, project_id, body)
    created(request, response, item)
    return ItemRead.of(item)


@router.post(
    "/bulk",
    status_code=201,
    summary="Create many items",
    responses=problems(NotFound, AssigneeNotFound, QuotaExceeded),
)
async def create_items(
    project_id: ProjectId,
    body: Annotated[ItemBulkCreate, Largest(1_048_576)],
    scope: Annotated[Scope, allow(Action.CREATE)],
) -> ItemBulkRead:
    """Create up to 1,000 items in a project: all of them or, if one is invalid, none."""
    return ItemBulkRead(ids=await items.create_many(scope, project_id, body.items))


@router.get("/{item_id}", summary="Read an item", responses=TAGGED | problems(NotFound))
async def get_item(
    project_id: ProjectId, item_id: ItemId, scope: Annotated[Scope, allow(Action.READ)], response: Response
) -> ItemRead:
    """Read one item. Its `ETag` is for `If-Match` when changing it."""
    item = await items.get(scope, project_id, item_id)
    tagged(response, item)
    return ItemRead.of(item)


@router.patch(
    "/{item_id}", summary="Change an item", responses=TAGGED | problems(NotFound, AssigneeNotFound, PreconditionFailed)
)
async def update_item(
    project_id: ProjectId,
    item_id: ItemId,
    body: ItemUpdate,
    if_match: IfMatchDep,
    scope: Annotated[Scope, allow(Action.UPDATE)],
    response: Response,
) -> ItemRead:
    """Change the fields sent; the others stay. With `If-Match`, only if nobody changed it meanwhile."""
    item = await items.update(scope, project_id, item_id, body, if_match)
    tagged(response, item)
    return ItemRead.of(item)


@router.delete(
    "/{item_id}", status_code=204, summary="Delete an item", responses=problems(NotFound, PreconditionFailed)
)
async def delete_item(
    project_id: ProjectId, item_id: ItemId, if_match: IfMatchDep, scope: Annotated[Scope, allow(Action.DELETE)]
) -> None:
    """Delete an item, for good."""
    await items.delete(scope, project_id, item_id, if_match)
