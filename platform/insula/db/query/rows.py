"""Single rows, written at the speed of the driver.

``create(unit, Model, name="A")`` writes a new row, ``update(unit, row, changes)`` returns a changed copy, and
``delete(unit, row)`` deletes. They do what a session's flush does: defaults, ``onupdate``, sort keys, and a version
that each change checks and raises. Their statements are compiled once for each table and set of columns.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, Table, and_, bindparam
from sqlalchemy import delete as deleting
from sqlalchemy import insert as inserting
from sqlalchemy import update as updating
from sqlalchemy.orm import class_mapper
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.sql.dml import Insert
from sqlmodel import SQLModel

from insula.core.text.collation import sort_key
from insula.db.engine.unit import Unit
from insula.db.query.writing import Writing
from insula.db.schema.sorting import sort_keys

Model = TypeVar("Model", bound=SQLModel)
Default = Callable[[], object]
_SESSION_STATE: Final = "_sa_instance_state"
_VERSION: Final = "version"
_TENANT: Final = "tenant_id"
_WAS: Final = "was_"
"""Prefix of the parameters that find the row."""
_STATEMENTS: Final = 512
"""How many statements are kept compiled: one for each table and set of columns that is written."""


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns of a table, by what a write does with them."""

    all: tuple[str, ...]
    names: frozenset[str]
    values: Mapping[str, object]
    """The model's defaults that rows can share."""
    factories: Mapping[str, Default]
    """The model's defaults that are made for each row."""
    identifying: tuple[str, ...]
    """The key, whose first column is the tenant where there is one, and the version."""
    defaults: Mapping[str, Default]
    changing: Mapping[str, Default]
    """Those that each update changes."""
    sorted_by: Mapping[str, str]
    """The sort key of each name that has one."""
    generated: frozenset[str]
    """Those that the database generates where no value is given."""

    @property
    def versioned(self) -> bool:
        return self.identifying[-1] == _VERSION


async def create(unit: Unit, model: type[Model], /, **values: object) -> Model:
    """Insert a row of the model with these values and its defaults, and return it. Its tenant is the unit's.

    Raises IntegrityError for a violated constraint, and TypeError for a value whose name is no column.
    """
    row = made(model, unit.tenant_id, values)
    await insert(unit, row)
    return row


def made(model: type[Model], tenant_id: UUID | None, values: Mapping[str, object]) -> Model:
    """Return a new row of the model, in no session: SQLModel's ``__init__`` costs as much as two statements."""
    columns = _columns(model)
    row: Model = model.__new__(model)
    fields = vars(row)
    fields.update(columns.values)
    if _TENANT in columns.names:
        fields[_TENANT] = tenant_id
    fields.update(values)
    if not columns.names.issuperset(fields):
        raise TypeError(f"{model.__name__} has no column {', '.join(sorted(fields.keys() - columns.names))}")
    for name, factory in columns.factories.items():
        if name not in values:
            fields[name] = factory()
    for name, key in columns.sorted_by.items():
        if isinstance(value := fields.get(name), str):
            fields[key] = sort_key(value)
    return row


async def insert(unit: Unit, row: SQLModel) -> None:
    """Insert the row, and set on it the values that the database generates.

    Raises IntegrityError for a violated constraint.
    """
    table = table_of(type(row))
    written = values_of(row)
    generated = await _insertion(table, tuple(written)).run_with(unit, written)
    for record in generated:
        vars(row).update(record)


async def create_all(unit: Unit, model: type[Model], all_values: Iterable[Mapping[str, object]]) -> list[Model]:
    """Insert many rows of the model, as ``create`` does one, and return them."""
    rows = [made(model, unit.tenant_id, values) for values in all_values]
    written = [values_of(row) for row in rows]
    if {tuple(values) for values in written} == {_columns(model).all}:
        await _insertion(table_of(model), _columns(model).all).run_many(unit, written)
    else:
        for row in rows:  # the database generates values
            await insert(unit, row)
    return rows


async def update(unit: Unit, row: Model, changes: Mapping[str, object]) -> Model:
    """Change the row's columns; return the changed copy, or ``row`` itself if no value differs.

    Raises StaleDataError if the row has another version by now, and IntegrityError for a violated constraint.
    """
    table, before = table_of(type(row)), vars(row)
    columns = _columns(type(row))
    changed = {name: value for name, value in changes.items() if before[name] != value}
    if not changed:
        return row
    for name, key in columns.sorted_by.items():
        if isinstance(value := changed.get(name), str):
            changed[key] = sort_key(value)
    for name, default in columns.changing.items():
        changed.setdefault(name, default())
    if columns.versioned:
        changed[_VERSION] = before[_VERSION] + 1
    values = {**changed, **_found_by(columns, before)}
    if not await _update(table, tuple(sorted(changed))).run_with(unit, values):
        raise StaleDataError(f"this row of {table.name} has changed meanwhile")
    copy: Model = type(row).__new__(type(row))
    after = vars(copy)
    after.update(before)
    after.update(changed)
    after.pop(_SESSION_STATE, None)
    return copy


async def delete(unit: Unit, row: SQLModel) -> None:
    """Delete the row. Raises StaleDataError if it has another version by now, or is gone."""
    table = table_of(type(row))
    if not await _deletion(table).run_with(unit, _found_by(_columns(type(row)), vars(row))):
        raise StaleDataError(f"this row of {table.name} has changed meanwhile")


def table_of(model: type[SQLModel]) -> Table:
    """Return the model's table."""
    table: Table = model.__table__  # type: ignore[attr-defined]  # SQLModel sets it for tables
    return table


def values_of(row: SQLModel) -> dict[str, object]:
    """Return the values that an INSERT of the row writes: its own and defaults, without those that are generated."""
    columns, given = _columns(type(row)), vars(row)
    found = {
        name: given[name]
        for name in columns.all
        if name in given and not (given[name] is None and name in columns.generated)
    }
    for name, default in columns.defaults.items():
        if name not in found:
            found[name] = default()
    return found


def into(table: Table, columns: Iterable[str], prefix: str = "") -> Insert:
    """Return the INSERT, with a parameter for each column, named after it."""
    return inserting(table).values({name: _parameter(table, name, prefix) for name in columns})


@lru_cache(maxsize=_STATEMENTS)
def _columns(model: type[SQLModel]) -> _Columns:
    class_mapper(model)  # prepares the attributes, if this is the first row of the model
    table = table_of(model)
    names = frozenset(column.key for column in table.columns)
    fields = {name: field for name, field in model.model_fields.items() if name in names and not field.is_required()}
    factories: dict[str, Any] = {
        name: field.default_factory or partial(deepcopy, field.default)
        for name, field in fields.items()
        if field.default_factory is not None or not isinstance(field.default, Hashable)
    }
    return _Columns(
        all=tuple(column.key for column in table.columns),
        names=names,
        values={name: field.default for name, field in fields.items() if name not in factories},
        factories=factories,
        identifying=_identifying(table),
        defaults={column.key: _made_by(column.default) for column in table.columns if column.default is not None},
        changing={column.key: _made_by(column.onupdate) for column in table.columns if column.onupdate is not None},
        sorted_by=sort_keys(table),
        generated=frozenset(
            column.key for column in table.columns if column.server_default is not None or column.identity is not None
        ),
    )


@lru_cache(maxsize=_STATEMENTS)
def _insertion(table: Table, columns: tuple[str, ...]) -> Writing:
    generated = [column for column in table.columns if column.key not in columns]
    return Writing(lambda: into(table, columns).returning(*generated) if generated else into(table, columns))


@lru_cache(maxsize=_STATEMENTS)
def _update(table: Table, columns: tuple[str, ...]) -> Writing:
    changed = {name: _parameter(table, name) for name in columns}
    return Writing(lambda: updating(table).where(_found(table)).values(changed).returning(*table.primary_key.columns))


@lru_cache(maxsize=_STATEMENTS)
def _deletion(table: Table) -> Writing:
    return Writing(lambda: deleting(table).where(_found(table)).returning(*table.primary_key.columns))


def _found(table: Table) -> ColumnElement[bool]:
    return and_(*(table.columns[name] == _parameter(table, name, _WAS) for name in _identifying(table)))


def _identifying(table: Table) -> tuple[str, ...]:
    version = [_VERSION] if _VERSION in table.columns else []
    return (*(column.key for column in table.primary_key.columns), *version)


def _found_by(columns: _Columns, values: Mapping[str, object]) -> dict[str, object]:
    return {_WAS + name: values[name] for name in columns.identifying}


def _parameter(table: Table, name: str, prefix: str = "") -> BindParameter[Any]:
    return bindparam(f"{prefix}{name}", type_=table.columns[name].type, required=True)


def _made_by(default: Any) -> Default:  # noqa: ANN401 - SQLAlchemy types each kind of default apart
    """Return a function that makes the value of a column's ``default`` or ``onupdate``."""
    return partial(default.arg, None) if default.is_callable else lambda: default.arg
