"""The rules for a rack's books.

The foreign keys check that a rack or a reader exists in this tenant: after a check before the insert, another request
could still delete it.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from insula.audit import record, snapshot
from insula.core.errors import AppError, NotFound
from insula.core.paging import Slice
from insula.core.preconditions import Precondition
from insula.db.query import rows
from insula.db.query.violations import violations_as
from insula.scope import Scope
from insula.scope.quotas import check_quota
from tests.probe.books import queries
from tests.probe.books.acts import Act
from tests.probe.books.errors import ReaderNotFound
from tests.probe.books.models import BOOKS, Book
from tests.probe.books.schemas import BookCreate, BookList, BookUpdate
from tests.probe.racks import service as racks

_VIOLATIONS: Final[Mapping[str, type[AppError]]] = {
    "fk_book_tenant_id_rack_id": NotFound,
    "fk_book_tenant_id_reader_id": ReaderNotFound,
}


async def page(scope: Scope, rack_id: UUID, params: BookList) -> Slice[Book]:
    """Return one page of the rack's books, or raise NotFound when there is no such rack."""
    found = await queries.page(scope.unit, rack_id, params)
    if not found.rows:
        await racks.get(scope, rack_id)
    return found


async def get(scope: Scope, rack_id: UUID, book_id: UUID) -> Book:
    """Return the book, or raise NotFound."""
    return _found(await queries.find(scope.unit, rack_id, book_id))


async def create(scope: Scope, rack_id: UUID, body: BookCreate) -> Book:
    """Create a book in the rack, within the plan's quota."""
    with violations_as(scope.unit, _VIOLATIONS):
        book = await rows.create(scope.unit, Book, rack_id=rack_id, **body.model_dump())
    check_quota(scope, BOOKS)
    record(scope, Act.CREATED, object_type="book", object_id=book.id, after=snapshot(book))
    return book


async def create_many(scope: Scope, rack_id: UUID, bodies: Sequence[BookCreate]) -> list[UUID]:
    """Create all the books, or none; return their ids in order."""
    values = [{"rack_id": rack_id, **body.model_dump()} for body in bodies]
    with violations_as(scope.unit, _VIOLATIONS):
        books = await rows.create_all(scope.unit, Book, values)
    check_quota(scope, BOOKS)
    ids = [book.id for book in books]
    made = {"rack_id": rack_id, "count": len(ids), "ids": ids}
    record(scope, Act.BOOKS_CREATED, object_type="rack", object_id=rack_id, after=made)
    return ids


async def update(scope: Scope, rack_id: UUID, book_id: UUID, body: BookUpdate, precondition: Precondition) -> Book:
    """Change the fields in ``body``."""
    book = _found(await queries.lock(scope.unit, rack_id, book_id))
    precondition.check(book.version)
    with violations_as(scope.unit, _VIOLATIONS):
        changed = await rows.update(scope.unit, book, body.changes())
    record(scope, Act.UPDATED, object_type="book", object_id=book_id, before=snapshot(book), after=snapshot(changed))
    return changed


async def delete(scope: Scope, rack_id: UUID, book_id: UUID, precondition: Precondition) -> None:
    """Delete the book."""
    book = _found(await queries.lock(scope.unit, rack_id, book_id))
    precondition.check(book.version)
    await rows.delete(scope.unit, book)
    record(scope, Act.DELETED, object_type="book", object_id=book_id, before=snapshot(book))


def _found(book: Book | None) -> Book:
    if book is None:
        raise NotFound
    return book
