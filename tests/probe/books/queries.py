"""Queries for a rack's books."""

from typing import Final
from uuid import UUID

from sqlalchemy import bindparam
from sqlmodel import col, select

from insula.core.paging import Slice
from insula.core.text.searching import containing
from insula.db.engine.unit import Unit
from insula.db.query.pages import KeysetReading
from insula.db.query.reading import Reading
from tests.probe.books.models import Book
from tests.probe.books.schemas import BookList

# By its id alone: with the rack in the condition the planner may choose an index that begins with the rack, and read
# all of its books. The rack is compared afterwards, in the row.
_ONE: Final = Reading(Book, lambda: select(Book).where(col(Book.id) == bindparam("book_id")))
_PAGE: Final = KeysetReading(
    Book,
    sortable={
        "created_at": col(Book.created_at),
        "title": col(Book.title_key),
        "position": col(Book.position),
    },
    narrowed_by={
        "rack_id": col(Book.rack_id) == bindparam("rack_id"),
        "status": col(Book.status) == bindparam("status"),
        "search": col(Book.title).regexp_match(bindparam("search")) | col(Book.body).regexp_match(bindparam("search")),
    },
)


async def find(unit: Unit, rack_id: UUID, book_id: UUID) -> Book | None:
    """Return the book of that rack."""
    return _of(rack_id, await _ONE.one(unit, book_id=book_id))


async def lock(unit: Unit, rack_id: UUID, book_id: UUID) -> Book | None:
    """Return the book, locked until this transaction ends."""
    return _of(rack_id, await _ONE.locked(unit, book_id=book_id))


async def page(unit: Unit, rack_id: UUID, params: BookList) -> Slice[Book]:
    """Return one page of the rack's books; ``search`` looks into title and body."""
    search = params.search and containing(params.search)
    return await _PAGE.page(unit, params, rack_id=rack_id, status=params.status, search=search)


def _of(rack_id: UUID, book: Book | None) -> Book | None:
    return book if book is not None and book.rack_id == rack_id else None
