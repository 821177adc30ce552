"""Single rows, written at the speed of the driver.

``insert(unit, row)`` writes a new row, ``update(unit, row, changes)`` returns a changed copy, ``delete(unit, row)``
deletes. They do what a session's flush does: defaults, ``onupdate``, sort keys, and a version that each change checks
and raises. Their statements are compiled once for each table and set of columns.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeVar

from sqlalchemy import Column, Table, and_, bindparam
from sqlalchemy import delete as deleting
from sqlalchemy import insert as inserting
from sqlalchemy import update as updating
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.sql.dml import Insert
from sqlmodel import SQLModel

from insula.db.engine.unit import Unit
from insula.db.query.writing import Writing
from insula.db.schema.sorting import sort_keys

Model = TypeVar("Model", bound=SQLModel)
_VERSION: Final = "version"
_WAS: Final = "was_"
"""Prefix of the parameters that find the row."""
_STATEMENTS: Final = 512
"""How many statements are kept compiled: one for each table and set of columns that is written."""


async def insert(unit: Unit, row: SQLModel) -> None:
    """Insert the row, and set what the database generates on it.

    Raises IntegrityError for a violated constraint.
    """
    table, values = table_of(type(row)), vars(row)
    written = values_of(table, row)
    statement = insertion(table, tuple(written))
    for record in await statement.run_with(unit, written):
        values.update(record)


async def insert_all(unit: Unit, rows: Sequence[SQLModel]) -> None:
    """Insert rows of one model, in one statement.

    Raises IntegrityError for a violated constraint.
    """
    if rows:
        table = table_of(type(rows[0]))
        connection = await unit.session.connection()
        await connection.execute(inserting(table), [values_of(table, row) for row in rows])


async def update(unit: Unit, row: Model, changes: Mapping[str, object]) -> Model:
    """Change the row's columns; return the changed copy, or ``row`` itself if no value differs.

    Raises StaleDataError if the row has another version by now, and IntegrityError for a violated constraint.
    """
    table, before = table_of(type(row)), vars(row)
    changed = {name: value for name, value in changes.items() if before[name] != value}
    if not changed:
        return row
    changed |= sort_keys(table, changed)
    for column in table.columns:
        if column.onupdate is not None and column.key not in changed:
            changed[column.key] = _made_by(column.onupdate)
    if _VERSION in table.columns:
        changed[_VERSION] = before[_VERSION] + 1
    statement = _update(table, tuple(sorted(changed)))
    if not await statement.run_with(unit, {**changed, **_found_by(table, before)}):
        raise StaleDataError(f"this row of {table.name} has changed meanwhile")
    copy: Model = type(row).__new__(type(row))
    vars(copy).update({column.key: before[column.key] for column in table.columns if column.key in before})
    vars(copy).update(changed)
    return copy


async def delete(unit: Unit, row: SQLModel) -> None:
    """Delete the row. Raises StaleDataError if it has another version by now, or is gone."""
    table = table_of(type(row))
    if not await _deletion(table).run_with(unit, _found_by(table, vars(row))):
        raise StaleDataError(f"this row of {table.name} has changed meanwhile")


def table_of(model: type[SQLModel]) -> Table:
    """Return the model's table."""
    table: Table = model.__table__  # type: ignore[attr-defined]  # SQLModel sets it for tables
    return table


def values_of(table: Table, row: SQLModel) -> dict[str, object]:
    """Return what an INSERT of the row writes: its values, and defaults; what the database generates is left out."""
    given = vars(row)
    found: dict[str, object] = {}
    for column in table.columns:
        if column.key in given and not (given[column.key] is None and _generated(column)):
            found[column.key] = given[column.key]
        elif column.default is not None:
            found[column.key] = _made_by(column.default)
    return found


@lru_cache(maxsize=_STATEMENTS)
def insertion(table: Table, columns: tuple[str, ...]) -> Writing:
    """Return the INSERT of these columns, which returns the others."""
    generated = [column for column in table.columns if column.key not in columns]
    return Writing(lambda: into(table, columns).returning(*generated) if generated else into(table, columns))


def into(table: Table, columns: Iterable[str], prefix: str = "") -> Insert:
    """Return the INSERT, with a parameter for each column, named after it."""
    return inserting(table).values({name: _parameter(table, name, prefix) for name in columns})


@lru_cache(maxsize=_STATEMENTS)
def _update(table: Table, columns: tuple[str, ...]) -> Writing:
    changed = {name: _parameter(table, name) for name in columns}
    return Writing(lambda: updating(table).where(_found(table)).values(changed).returning(*table.primary_key.columns))


@lru_cache(maxsize=_STATEMENTS)
def _deletion(table: Table) -> Writing:
    return Writing(lambda: deleting(table).where(_found(table)).returning(*table.primary_key.columns))


def _found(table: Table) -> Any:  # noqa: ANN401 - a condition
    return and_(*(column == _parameter(table, column.key, _WAS) for column in _identifying(table)))


def _found_by(table: Table, values: Mapping[str, object]) -> dict[str, object]:
    return {f"{_WAS}{column.key}": values[column.key] for column in _identifying(table)}


def _identifying(table: Table) -> Sequence[Column[Any]]:
    """Return the key, whose first column is the tenant where there is one, and the version."""
    version = table.columns.get(_VERSION)
    return [*table.primary_key.columns, *([] if version is None else [version])]


def _parameter(table: Table, name: str, prefix: str = "") -> Any:  # noqa: ANN401 - a bound parameter
    return bindparam(f"{prefix}{name}", type_=table.columns[name].type, required=True)


def _generated(column: Column[Any]) -> bool:
    return column.server_default is not None or column.identity is not None


def _made_by(default: Any) -> object:  # noqa: ANN401 - SQLAlchemy types each kind of default apart
    """Return the value of a column's default, or of what changes it at each update."""
    return default.arg(None) if default.is_callable else default.arg
