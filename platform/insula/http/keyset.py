"""Keyset lists whose statements are written once and compiled once: see ``insula.db.reading``."""

from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import ColumnElement, bindparam, tuple_
from sqlmodel import col, select

from insula.db.base import TenantOwned
from insula.db.reading import Reading
from insula.db.unit import Unit
from insula.http.paging import Columns, KeysetParams, Slice, cut, read_cursor

Model = TypeVar("Model", bound=TenantOwned)
_LIMIT: Final = "limit"
_AFTER: Final = "after"
_AFTER_ID: Final = "after_id"


class KeysetReading(Generic[Model]):
    """The list of one resource; make it once, beside its query.

    ``sortable`` maps the names in ``sort_by`` to NOT NULL columns; the id breaks ties. ``narrowed_by``
    names conditions on a ``bindparam`` of the same name. Each combination that is asked for becomes
    a statement of its own, so an index on (tenant_id, column, id) serves it::

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
        self._narrowed_by = narrowed_by or {}
        self._readings: dict[tuple[str, frozenset[str]], Reading[Model]] = {}

    async def page(self, unit: Unit, params: KeysetParams, **values: object) -> Slice[Model]:
        """Return one page, in one query; a value of None narrows nothing. Raises InvalidCursor."""
        given = {name: value for name, value in values.items() if value is not None}
        if params.cursor is not None:
            column, identity = self._sortable[params.sort_field], col(self._model.id)
            given[_AFTER], given[_AFTER_ID] = read_cursor(params, column, identity)
        reading = self._reading(params, frozenset(given))
        rows = await reading.all(unit, **given, **{_LIMIT: params.limit + 1})
        return cut(params, self._sortable[params.sort_field], rows)

    def _reading(self, params: KeysetParams, given: frozenset[str]) -> Reading[Model]:
        shape = (params.sort_by, given)
        reading = self._readings.get(shape)
        if reading is None:
            reading = self._readings[shape] = self._make(params, given)
        return reading

    def _make(self, params: KeysetParams, given: frozenset[str]) -> Reading[Model]:
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
