"""Lists: keyset pages for tenants' resources, ``skip``/``limit`` for staff.

A route takes its parameters as one query model, whose ``sort_by`` names what may be sorted::

    class ProjectList(KeysetParams):
        sort_by: Literal["created_at", "-created_at", "name", "-name"] = "-created_at"

    async def list_projects(params: Annotated[ProjectList, Query()], ...) -> Page[ProjectRead]: ...
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import BigInteger, SmallInteger, func, label, tuple_
from sqlalchemy.orm import Mapped
from sqlalchemy.types import TypeEngine
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from insula.errors import AppError
from insula.http import moments
from insula.text.fields import SearchText

MAX_LIMIT = 100
MAX_SKIP = 1_000_000
MAX_CURSOR = 4_000
"""Longer than any cursor that is handed out: a sort key, or an address of any length that there is."""
_INTEGER_BITS = 32
_BITS: Mapping[type, int] = {SmallInteger: 16, BigInteger: 64}
Row = TypeVar("Row")
Read = TypeVar("Read")
Columns = Mapping[str, Mapped[Any]]


class InvalidCursor(AppError):
    """The cursor is not one that this list gave out."""

    code, status = "invalid_cursor", 422


class _ListParams(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(20, ge=1, le=MAX_LIMIT, description="How many at most.")
    search: SearchText | None = Field(None, description="Text to find, ignoring case.")
    sort_by: str = Field("-created_at", description="What to sort by; a leading '-' sorts downwards.")

    @property
    def descending(self) -> bool:
        """Whether the order is reversed."""
        return self.sort_by.startswith("-")

    @property
    def sort_field(self) -> str:
        """The name of the column sorted by."""
        return self.sort_by.removeprefix("-")


class KeysetParams(_ListParams):
    """Query parameters of a keyset list."""

    cursor: str | None = Field(
        None, min_length=1, max_length=MAX_CURSOR, description="`next_cursor` of the page before."
    )


class OffsetParams(_ListParams):
    """Query parameters of a list for staff."""

    skip: int = Field(0, ge=0, le=MAX_SKIP, description="How many to leave out from the start.")


class Page(BaseModel, Generic[Read]):
    """One page of a list; following ``next_cursor`` visits each row once, whatever is inserted meanwhile."""

    items: list[Read]
    next_cursor: str | None = Field(description="Pass as `cursor` for the next page; null on the last.")


class OffsetPage(BaseModel, Generic[Read]):
    """One page of a staff list."""

    items: list[Read]
    total: int = Field(ge=0, description="How many match in all.", examples=[1])
    skip: int = Field(ge=0, description="How many were left out from the start.", examples=[0])
    limit: int = Field(ge=1, description="How many at most.", examples=[20])


@dataclass(frozen=True, slots=True)
class Slice(Generic[Row]):
    """The rows of one keyset page and the cursor to the next."""

    rows: Sequence[Row]
    next_cursor: str | None

    def page(self, read: Callable[[Row], Read]) -> Page[Read]:
        """Return the page as it goes over the wire, each row shaped by ``read``."""
        return Page[Read](items=[read(row) for row in self.rows], next_cursor=self.next_cursor)


async def fetch_keyset(
    session: AsyncSession,
    statement: SelectOfScalar[Row],
    params: KeysetParams,
    *,
    columns: Columns,
    identity: Mapped[Any],
) -> Slice[Row]:
    """Return one page of ``statement``, in one query.

    ``columns`` maps the names in ``sort_by`` to NOT NULL columns; ``identity`` breaks ties. The
    comparison is on the row value, so that an index on (tenant_id, column, identity) serves it.
    Raises InvalidCursor.
    """
    column = columns[params.sort_field]
    if params.cursor is not None:
        last = tuple_(*read_cursor(params, column, identity))
        position = tuple_(column, identity)
        statement = statement.where(position < last if params.descending else position > last)
    order = (column.desc(), identity.desc()) if params.descending else (column.asc(), identity.asc())
    rows = list((await session.exec(statement.order_by(*order).limit(params.limit + 1))).all())
    return cut(params, column, rows)


def cut(params: KeysetParams, column: Mapped[Any], rows: list[Row]) -> Slice[Row]:
    """Return the page of ``rows``, of which there is one more than the limit when another page follows."""
    if len(rows) <= params.limit:
        return Slice(rows, None)
    rows.pop()
    last: Any = rows[-1]
    key: str = column.key  # type: ignore[attr-defined]  # a mapped column's typing does not tell its name
    return Slice(rows, _encode(params, getattr(last, key), last.id))


async def fetch_offset(
    session: AsyncSession,
    statement: SelectOfScalar[Row],
    params: OffsetParams,
    *,
    columns: Columns,
    identity: Mapped[Any],
) -> tuple[Sequence[Row], int]:
    """Return one page of ``statement`` and how many rows match in all."""
    column = columns[params.sort_field]
    order = (column.desc(), identity.desc()) if params.descending else (column.asc(), identity.asc())
    total = (await session.exec(select(func.count()).select_from(statement.subquery()))).one()
    rows = (await session.exec(statement.order_by(*order).offset(params.skip).limit(params.limit))).all()
    return rows, total


def _encode(params: KeysetParams, value: object, identity: object) -> str:
    plain = _plain(value)
    text = json.dumps([params.sort_by, plain, str(identity)], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else value


def read_cursor(params: KeysetParams, column: Mapped[Any], identity: Mapped[Any]) -> tuple[object, object]:
    """Return the position that the cursor stands for: the sorted value and the id. Raises InvalidCursor."""
    cursor = params.cursor or ""
    try:
        decoded = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        sort_by, value, row_id = decoded
        if sort_by != params.sort_by:
            raise InvalidCursor("The cursor belongs to another `sort_by`")
        return _typed(value, _type(column)), _type(identity).python_type(row_id)
    except (binascii.Error, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidCursor from error


def _type(column: Mapped[Any]) -> TypeEngine[Any]:
    return label("typed", column).type  # a mapped column's typing does not tell its type


def _typed(value: object, column_type: TypeEngine[Any]) -> object:
    kind = column_type.python_type
    if kind is datetime and isinstance(value, str):
        return moments.checked(datetime.fromisoformat(value))
    if kind is bytes and isinstance(value, str):
        return bytes.fromhex(value)
    if type(value) is not kind:
        raise ValueError("a value of another type")
    if isinstance(value, int) and value.bit_length() >= _BITS.get(type(column_type), _INTEGER_BITS):
        raise ValueError("a number that the column cannot hold")
    if isinstance(value, str) and b"\0" in value.encode():
        raise ValueError("a value that PostgreSQL cannot hold")
    return value
