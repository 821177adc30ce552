"""A rack's books on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import MISSING, ConfigDict, FailFast, Field
from pydantic.config import JsonDict

from insula.core.paging import KeysetParams
from insula.core.schemas import Input, Read, Update, Version
from insula.core.text import fields as text
from tests.probe.books.models import BookStatus

BULK_LIMIT = 1_000

Title = Annotated[text.Title, Field(description="What the book is called.")]
Body = Annotated[str, text.FreeText(10_000), Field(description="Free text.")]
Status = Annotated[BookStatus, Field(description="How far the reader is.")]
Position = Annotated[int, Field(ge=0, le=1_000_000, description="Where it stands on the rack; ties are fine.")]
Reader = Annotated[UUID | None, Field(description="Id of the membership that reads it; null: nobody yet.")]

_EXAMPLE: JsonDict = {
    "title": "The Book of Sand",
    "body": "It has neither beginning nor end.",
    "status": "open",
    "position": 10,
    "reader_id": None,
}


class BookCreate(Input):
    """A book to create."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    title: Title
    body: Body = ""
    status: Status = "open"
    position: Position = 0
    reader_id: Reader = None


class BookUpdate(Update):
    """The fields of a book to change."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "done"}]})

    title: Title | MISSING = MISSING
    body: Body | MISSING = MISSING
    status: Status | MISSING = MISSING
    position: Position | MISSING = MISSING
    reader_id: Reader | MISSING = MISSING


class BookRead(Read):
    """A book of a rack."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "019ab2c4-9a20-7b51-8c00-2e3f40516273",
                    "rack_id": "019ab2c4-7d11-7c3e-9f00-1d2e3f405162",
                    **_EXAMPLE,
                    "created_at": "2026-11-23T09:05:00Z",
                    "updated_at": "2026-11-23T09:05:00Z",
                    "version": 1,
                }
            ]
        }
    )

    id: UUID
    rack_id: UUID
    title: str
    body: str
    status: Status
    position: Position
    reader_id: Reader
    created_at: datetime
    updated_at: datetime
    version: Version


class BookBulkCreate(Input):
    """Books to create together: all of them or, if one is invalid, none."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_EXAMPLE]}]})

    items: Annotated[list[BookCreate], FailFast()] = Field(
        min_length=1, max_length=BULK_LIMIT, description="The books, in order."
    )


class BookBulkRead(Read):
    """The ids of books created together."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ids": ["019ab2c4-9a20-7b51-8c00-2e3f40516273"]}]},
    )

    ids: list[UUID] = Field(description="The new books' ids, in the order of the request.")


class BookList(KeysetParams):
    """Query parameters of the list of books of a rack."""

    status: BookStatus | None = Field(None, description="Only books in this state.")
    sort_by: Literal["created_at", "-created_at", "title", "-title", "position", "-position"] = Field(
        "-created_at", description="The field to sort by; a leading '-' sorts in descending order."
    )
