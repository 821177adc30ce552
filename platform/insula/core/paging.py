"""Lists: keyset pages for tenants' resources, ``skip``/``limit`` for staff.

A route takes its parameters as one query model, whose ``sort_by`` names the sortable columns::

    class ProjectList(KeysetParams):
        sort_by: Literal["created_at", "-created_at", "name", "-name"] = "-created_at"

    async def list_projects(params: Annotated[ProjectList, Query()], ...) -> Page[ProjectRead]: ...
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from insula.core.errors import AppError, Retry
from insula.core.moments import Moment
from insula.core.text.fields import SearchText

MAX_LIMIT = 100
MAX_SKIP = 1_000_000
MAX_CURSOR = 4_000
"""Longer than any cursor that a list returns, whether it holds a sort key or a long email address."""
Row = TypeVar("Row")
Read = TypeVar("Read")


class InvalidCursor(AppError):
    """The cursor is not one that this list gave out."""

    code, status = "invalid_cursor", 422
    meaning = "A cursor is valid only for the list, the filters and the sort order of the page that it came with."
    cure = (
        "Start again from the first page, without a cursor. Pass next_cursor on as it is, with the same query "
        "parameters."
    )
    retry = Retry.NO


class _ListParams(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(20, ge=1, le=MAX_LIMIT, description="The most items to return.")
    search: SearchText | None = Field(None, description="Text to find, ignoring case.")
    sort_by: str = Field("-created_at", description="The field to sort by; a leading '-' sorts in descending order.")

    @property
    def descending(self) -> bool:
        """Whether the order is reversed."""
        return self.sort_by.startswith("-")

    @property
    def sort_field(self) -> str:
        """The name of the column to sort by."""
        return self.sort_by.removeprefix("-")


class CreatedRange(BaseModel):
    """The range of times in which the rows of a list were created."""

    created_since: Moment | None = Field(None, description="Only those created at or after this time.")
    created_until: Moment | None = Field(None, description="Only those created before this time.")


class TimeRanges(CreatedRange):
    """The ranges of times in which the rows of a list were created and last changed."""

    updated_since: Moment | None = Field(None, description="Only those last changed at or after this time.")
    updated_until: Moment | None = Field(None, description="Only those last changed before this time.")


class CursorParams(_ListParams):
    """Query parameters of a keyset list whose rows have no times of creation and change."""

    cursor: str | None = Field(
        None, min_length=1, max_length=MAX_CURSOR, description="`next_cursor` of the previous page."
    )


class KeysetParams(CursorParams, TimeRanges):
    """Query parameters of a keyset list. ``KeysetReading`` and ``fetch_keyset`` apply the ranges of times."""


class SkipParams(_ListParams):
    """Query parameters of a list for staff whose rows have no times of creation and change."""

    skip: int = Field(0, ge=0, le=MAX_SKIP, description="The number of items to skip.")


class OffsetParams(SkipParams, TimeRanges):
    """Query parameters of a list for staff. ``fetch_offset`` applies the ranges of times."""


class _NamedPage(BaseModel, Generic[Read]):
    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """Return the name of a page of these rows in documents: ``ProjectPage``."""
        return f"{params[0].__name__.removesuffix('Read')}Page"


class Page(_NamedPage[Read], Generic[Read]):
    """One page of a list. Following ``next_cursor`` returns each row once, even if others are inserted meanwhile."""

    items: list[Read]
    next_cursor: str | None = Field(description="Pass as `cursor` for the next page; null on the last.")

    @classmethod
    def whole(cls, items: Iterable[Read]) -> Self:
        """Return a list that is always complete in one page."""
        return cls(items=list(items), next_cursor=None)


class OffsetPage(_NamedPage[Read], Generic[Read]):
    """One page of a staff list."""

    items: list[Read]
    total: int = Field(ge=0, description="The number of all matching items.", examples=[1])
    skip: int = Field(ge=0, description="The number of skipped items.", examples=[0])
    limit: int = Field(ge=1, description="The most items of a page.", examples=[20])


@dataclass(frozen=True, slots=True)
class Slice(Generic[Row]):
    """The rows of one keyset page and the cursor to the next."""

    rows: Sequence[Row]
    next_cursor: str | None

    def page(self, read: Callable[[Row], Read]) -> Page[Read]:
        """Return the page to send, with each row converted by ``read``."""
        return Page[Read](items=[read(row) for row in self.rows], next_cursor=self.next_cursor)
