import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response, WebSocket

from insula.core.errors import NotFound, PreconditionFailed
from insula.core.paging import InvalidCursor, Page
from insula.http.request.preconditions import IfMatchDep
from insula.http.responses.answers import CREATED, TAGGED, created, tagged
from insula.http.responses.event_streams import EventStream, ServerEvent
from insula.http.responses.problems import problems
from insula.http.routing.guards import allow
from insula.http.routing.route import Largest, TenantRoute
from insula.http.routing.sockets import SocketRouter
from insula.http.routing.streams import StreamRoute
from insula.http.routing.uploads import UploadBody, UploadRoute
from insula.scope import Scope
from insula.scope.quotas import QuotaExceeded
from tests.probe.racks import service as racks
from tests.probe.racks.errors import RackNameTaken
from tests.probe.racks.permissions import Action
from tests.probe.racks.schemas import RackCreate, RackList, RackRead, RackUpdate

router = APIRouter(prefix="/racks", tags=["racks"], route_class=TenantRoute)
streams = APIRouter(prefix="/racks", tags=["racks"], route_class=StreamRoute)
sockets = SocketRouter(prefix="/racks", tags=["racks"])
uploads = APIRouter(prefix="/racks", tags=["racks"], route_class=UploadRoute)

MOST: Final = 2_097_152
RackId = Annotated[UUID, Path(description="Id of the rack.")]


@router.get("", summary="List racks", responses=problems(InvalidCursor))
async def list_racks(
    params: Annotated[RackList, Query()], scope: Annotated[Scope, allow(Action.READ)]
) -> Page[RackRead]:
    """List the tenant's racks; `search` looks into name and description."""
    return (await racks.page(scope, params)).page(RackRead.of)


@router.post("", status_code=201, summary="Create a rack", responses=CREATED | problems(RackNameTaken, QuotaExceeded))
async def create_rack(
    body: RackCreate,
    scope: Annotated[Scope, allow(Action.CREATE)],
    request: Request,
    response: Response,
) -> RackRead:
    """Create a rack in the caller's tenant. The plan limits how many there can be."""
    rack = await racks.create(scope, body)
    created(request, response, rack)
    return RackRead.of(rack)


@router.get("/{rack_id}", summary="Read a rack", responses=TAGGED | problems(NotFound))
async def get_rack(rack_id: RackId, scope: Annotated[Scope, allow(Action.READ)], response: Response) -> RackRead:
    """Read one rack. Its `ETag` is for `If-Match` when changing it."""
    rack = await racks.get(scope, rack_id)
    tagged(response, rack)
    return RackRead.of(rack)


@router.patch(
    "/{rack_id}",
    summary="Change a rack",
    responses=TAGGED | problems(NotFound, RackNameTaken, PreconditionFailed),
)
async def update_rack(
    rack_id: RackId,
    body: RackUpdate,
    if_match: IfMatchDep,
    scope: Annotated[Scope, allow(Action.UPDATE)],
    response: Response,
) -> RackRead:
    """Change the fields sent; the others stay. With `If-Match`, only if nobody changed it meanwhile."""
    rack = await racks.update(scope, rack_id, body, if_match)
    tagged(response, rack)
    return RackRead.of(rack)


@router.delete("/{rack_id}", status_code=204, summary="Delete a rack", responses=problems(NotFound, PreconditionFailed))
async def delete_rack(rack_id: RackId, if_match: IfMatchDep, scope: Annotated[Scope, allow(Action.DELETE)]) -> None:
    """Delete a rack and its books, for good."""
    await racks.delete(scope, rack_id, if_match)


@streams.get("/{rack_id}/events", summary="Follow a rack", response_class=EventStream, responses=problems(NotFound))
async def follow_rack(rack_id: RackId, scope: Annotated[Scope, allow(Action.READ)]) -> EventStream:
    """Send the rack as an event, and nothing after it."""
    first = await racks.as_json(scope, rack_id)

    async def events() -> AsyncIterator[ServerEvent]:
        yield ServerEvent(first)
        await asyncio.Event().wait()

    return EventStream(events())


@sockets.websocket("/{rack_id}/watch")
async def watch_rack(rack_id: RackId, socket: WebSocket, scope: Annotated[Scope, allow(Action.READ)]) -> None:
    """Send the rack, and once more for each message of the client."""
    first = await racks.as_json(scope, rack_id)
    await socket.accept()
    await socket.send_text(first)
    async for _ in socket.iter_text():
        await socket.send_text(await racks.as_json(scope, rack_id))


@uploads.put("/{rack_id}/scan", status_code=204, summary="Upload a scan of a rack", responses=problems(NotFound))
async def scan_rack(
    rack_id: RackId, body: Annotated[UploadBody, Largest(MOST)], scope: Annotated[Scope, allow(Action.UPDATE)]
) -> None:
    """Describe the rack by the size of the file. The file is read, and not kept."""
    await racks.scan(scope, rack_id, body)
