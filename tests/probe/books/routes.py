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
from tests.probe.books import service as books
from tests.probe.books.errors import ReaderNotFound
from tests.probe.books.permissions import Action
from tests.probe.books.schemas import BookBulkCreate, BookBulkRead, BookCreate, BookList, BookRead, BookUpdate
from tests.probe.racks.routes import RackId

router = APIRouter(prefix="/racks/{rack_id}/books", tags=["books"], route_class=TenantRoute)

BookId = Annotated[UUID, Path(description="Id of the book.")]


@router.get("", summary="List books", responses=problems(NotFound, InvalidCursor))
async def list_books(
    rack_id: RackId, params: Annotated[BookList, Query()], scope: Annotated[Scope, allow(Action.READ)]
) -> Page[BookRead]:
    """List a rack's books; `search` looks into title and body."""
    return (await books.page(scope, rack_id, params)).page(BookRead.of)


@router.post(
    "",
    status_code=201,
    summary="Create a book",
    responses=CREATED | problems(NotFound, ReaderNotFound, QuotaExceeded),
)
async def create_book(
    rack_id: RackId,
    body: BookCreate,
    scope: Annotated[Scope, allow(Action.CREATE)],
    request: Request,
    response: Response,
) -> BookRead:
    """Create a book in a rack. The plan limits how many the tenant can have."""
    book = await books.create(scope, rack_id, body)
    created(request, response, book)
    return BookRead.of(book)


@router.post(
    "/bulk",
    status_code=201,
    summary="Create many books",
    responses=problems(NotFound, ReaderNotFound, QuotaExceeded),
)
async def create_books(
    rack_id: RackId, body: Annotated[BookBulkCreate, Largest(1_048_576)], scope: Annotated[Scope, allow(Action.CREATE)]
) -> BookBulkRead:
    """Create up to 1,000 books in a rack: all of them or, if one is invalid, none."""
    return BookBulkRead(ids=await books.create_many(scope, rack_id, body.items))


@router.get("/{book_id}", summary="Read a book", responses=TAGGED | problems(NotFound))
async def get_book(
    rack_id: RackId, book_id: BookId, scope: Annotated[Scope, allow(Action.READ)], response: Response
) -> BookRead:
    """Read one book. Its `ETag` is for `If-Match` when changing it."""
    book = await books.get(scope, rack_id, book_id)
    tagged(response, book)
    return BookRead.of(book)


@router.patch(
    "/{book_id}", summary="Change a book", responses=TAGGED | problems(NotFound, ReaderNotFound, PreconditionFailed)
)
async def update_book(
    rack_id: RackId,
    book_id: BookId,
    body: BookUpdate,
    if_match: IfMatchDep,
    scope: Annotated[Scope, allow(Action.UPDATE)],
    response: Response,
) -> BookRead:
    """Change the fields sent; the others stay. With `If-Match`, only if nobody changed it meanwhile."""
    book = await books.update(scope, rack_id, book_id, body, if_match)
    tagged(response, book)
    return BookRead.of(book)


@router.delete("/{book_id}", status_code=204, summary="Delete a book", responses=problems(NotFound, PreconditionFailed))
async def delete_book(
    rack_id: RackId, book_id: BookId, if_match: IfMatchDep, scope: Annotated[Scope, allow(Action.DELETE)]
) -> None:
    """Delete a book, for good."""
    await books.delete(scope, rack_id, book_id, if_match)
