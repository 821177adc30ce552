"""Pages of rows: keyset pages with statements that are compiled once, and ``skip``/``limit`` pages for staff.

``insula.core.paging`` has the parameters and answers; ``insula.db.query.reading`` the compiled statements.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from operator import ge, lt
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import BigInteger, ColumnElement, SmallInteger, bindparam, func, label, tuple_
from sqlalchemy.orm import Mapped
from sqlalchemy.types import TypeEngine
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from insula.core import moments
from insula.core.paging import CreatedRange, CursorParams, InvalidCursor, Row, SkipParams, Slice, TimeRanges
from insula.db.engine.unit import Unit
from insula.db.query.reading import Reading
from insula.db.schema.base import TenantOwned

Model = TypeVar("Model", bound=TenantOwned)
Columns = Mapping[str, Mapped[Any]]
_INTEGER_BITS: Final = 32
_BITS: Final[Mapping[type, int]] = {SmallInteger: 16, BigInteger: 64}
_LIMIT: Final = "limit"
_AFTER: Final = "after"
_AFTER_ID: Final = "after_id"
_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)
_LATEST: Final = datetime.max.replace(tzinfo=UTC)
_BOUNDS: Final[Mapping[str, tuple[str, Callable[[Any, Any], Any]]]] = {
    "created_since": ("created_at", ge),
    "created_until": ("created_at", lt),
    "updated_since": ("updated_at", ge),
    "updated_until": ("updated_at", lt),
}
"""The bounds of the ranges of times, each with its column."""


class KeysetReading(Generic[Model]):
    """The list of one resource; create it once, beside its query.

    ``sortable`` maps the names in ``sort_by`` to NOT NULL columns; the id breaks ties. ``narrowed_by``
    names conditions, each with a ``bindparam`` of the same name. Each requested combination gets a
    statement of its own, so that an index on (tenant_id, column, id) serves it::

        _PAGE = KeysetReading(
            Project,
            sortable={"name": col(Project.name)},
            narrowed_by={"status": col(Project.status) == bindparam("status")},
        )
        await _PAGE.page(scope.unit, params, status=params.status)
    """

    def __init__(
        self,
        model: type[Model],
        *,
        sortable: Columns,
        narrowed_by: Mapping[str, ColumnElement[bool]] | None = None,
    ) -> None:
        self._model = model
        self._sortable = sortable
        self._narrowed_by = {**_bounds(model, {name: bindparam(name) for name in _BOUNDS}), **(narrowed_by or {})}
        self._readings: dict[tuple[str, frozenset[str]], Reading[Model]] = {}

    async def page(self, unit: Unit, params: CursorParams, **values: object) -> Slice[Model]:
        """Return one page, in one query; a value of None leaves its condition out. Raises InvalidCursor."""
        given = {name: value for name, value in values.items() if value is not None}
        given.update(_ranges(params))
        if params.cursor is not None:
            column, identity = self._sortable[params.sort_field], col(self._model.id)
            given[_AFTER], given[_AFTER_ID] = read_cursor(params, column, identity)
        reading = self._reading(params, frozenset(given))
        rows = await reading.all(unit, **given, **{_LIMIT: params.limit + 1})
        return cut(params, self._sortable[params.sort_field], rows)

    def _reading(self, params: CursorParams, given: frozenset[str]) -> Reading[Model]:
        combination = (params.sort_by, given)
        reading = self._readings.get(combination)
        if reading is None:
            reading = self._readings[combination] = self._make(params, given)
        return reading

    def _make(self, params: CursorParams, given: frozenset[str]) -> Reading[Model]:
        column: Any = self._sortable[params.sort_field]
        identity: Any = col(self._model.id)
        descending = params.descending
        order = (column.desc(), identity.desc()) if descending else (column.asc(), identity.asc())
        statement = select(self._model).order_by(*order).limit(bindparam(_LIMIT))
        if _AFTER in given:
            position = tuple_(column, identity)
            last = tuple_(bindparam(_AFTER, type_=column.type), bindparam(_AFTER_ID, type_=identity.type))
            statement = statement.where(position < last if descending else position > last)
        for name in sorted(given - {_AFTER, _AFTER_ID}):
            statement = statement.where(self._narrowed_by[name])
        return Reading(self._model, lambda: statement)


async def fetch_keyset(
    session: AsyncSession,
    statement: SelectOfScalar[Row],
    params: CursorParams,
    *,
    columns: Columns,
    identity: Mapped[Any],
) -> Slice[Row]:
    """Return one page of ``statement``, in one query.

    ``columns`` maps the names in ``sort_by`` to NOT NULL columns; ``identity`` breaks ties. The rows are
    compared as row values, so that an index on (tenant_id, column, identity) serves the query.
    Raises InvalidCursor.
    """
    column = columns[params.sort_field]
    statement = _within(statement, params, identity)
    if params.cursor is not None:
        last = tuple_(*read_cursor(params, column, identity))
        position = tuple_(column, identity)
        statement = statement.where(position < last if params.descending else position > last)
    order = (column.desc(), identity.desc()) if params.descending else (column.asc(), identity.asc())
    rows = list((await session.exec(statement.order_by(*order).limit(params.limit + 1))).all())
    return cut(params, column, rows)


def cut(params: CursorParams, column: Mapped[Any], rows: list[Row]) -> Slice[Row]:
    """Return the page of ``rows``, which hold one row more than the limit if another page follows."""
    if len(rows) <= params.limit:
        return Slice(rows, None)
    rows.pop()
    last: Any = rows[-1]
    key: str = column.key  # type: ignore[attr-defined]  # a mapped column's typing does not tell its name
    return Slice(rows, _encode(params, getattr(last, key), last.id))


async def fetch_offset(
    session: AsyncSession,
    statement: SelectOfScalar[Row],
    params: SkipParams,
    *,
    columns: Columns,
    identity: Mapped[Any],
) -> tuple[Sequence[Row], int]:
    """Return one page of ``statement`` and the total number of matching rows."""
    column = columns[params.sort_field]
    statement = _within(statement, params, identity)
    order = (column.desc(), identity.desc()) if params.descending else (column.asc(), identity.asc())
    total = (await session.exec(select(func.count()).select_from(statement.subquery()))).one()
    rows = (await session.exec(statement.order_by(*order).offset(params.skip).limit(params.limit))).all()
    return rows, total


def _ranges(params: CursorParams | SkipParams) -> dict[str, datetime]:
    """Return both bounds of each range that has one, so that few different statements are compiled."""
    found: dict[str, datetime] = {}
    if isinstance(params, CreatedRange) and (params.created_since or params.created_until):
        found["created_since"] = params.created_since or _EARLIEST
        found["created_until"] = params.created_until or _LATEST
    if isinstance(params, TimeRanges) and (params.updated_since or params.updated_until):
        found["updated_since"] = params.updated_since or _EARLIEST
        found["updated_until"] = params.updated_until or _LATEST
    return found


def _bounds(model: type[object], values: Mapping[str, object]) -> dict[str, ColumnElement[bool]]:
    """Return the condition of each bound in ``values``."""
    return {name: _BOUNDS[name][1](getattr(model, _BOUNDS[name][0]), value) for name, value in values.items()}


def _within(
    statement: SelectOfScalar[Row], params: CursorParams | SkipParams, identity: Mapped[Any]
) -> SelectOfScalar[Row]:
    """Return the statement, limited to the ranges of times in ``params``."""
    model: type[object] = identity.class_  # type: ignore[attr-defined]  # a mapped column's typing does not tell its model
    return statement.where(*_bounds(model, _ranges(params)).values())


def _encode(params: CursorParams, value: object, identity: object) -> str:
    plain = _plain(value)
    text = json.dumps([params.sort_by, plain, str(identity)], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else value


def read_cursor(params: CursorParams, column: Mapped[Any], identity: Mapped[Any]) -> tuple[object, object]:
    """Return the position in the cursor: the sorted value and the id. Raises InvalidCursor."""
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
