"""Sorting by name as people expect it, by a sort key stored beside the name and declared in one line.

    name: str = Field(sa_type=Text)
    name_key: bytes = sort_key_of("name")

The list then sorts by ``col(Project.name_key)``, on an index on (tenant_id, name_key, id). Setting the
name sets the key, on the model and in a bulk INSERT; a statement in plain SQL must set both. The
database's default is an empty key, which sorts first: the previous version of the code may still
insert rows without a key.
"""

from typing import Any, Final

from sqlalchemy import Column, LargeBinary, Table, event, text
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapper
from sqlmodel import Field

from insula.core.text.collation import sort_key

_SOURCE: Final = "sort_key_of"
_EMPTY: Final = text("''::bytea")


def sort_key_of(column: str) -> Any:  # noqa: ANN401 - a field; SQLModel's own function returns Any
    """Declare the column that holds the sort key of ``column``; model dumps and audit events leave it out."""

    def inserted(context: DefaultExecutionContext) -> bytes:
        return sort_key(context.get_current_parameters()[column])  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped

    kwargs = {"default": inserted, "server_default": _EMPTY, "info": {_SOURCE: column}}
    return Field(exclude=True, sa_type=LargeBinary, nullable=False, sa_column_kwargs=kwargs)


def sort_key_column(name: str) -> Column[bytes]:
    """Return the column of a sort key, for a migration."""
    return Column(name, LargeBinary, nullable=False, server_default=_EMPTY)


def sort_keys(table: Table) -> dict[str, str]:
    """Return the columns of sort keys, by the column whose key they hold."""
    return {column.info[_SOURCE]: column.key for column in table.columns if _SOURCE in column.info}


@event.listens_for(Mapper, "after_mapper_constructed")
def _follow(_mapper: Mapper[Any], model: type[Any]) -> None:
    for column in _mapper.local_table.columns:
        if (source := column.info.get(_SOURCE)) is not None:
            event.listen(getattr(model, source), "set", _setter(column.key))


def _setter(key: str) -> Any:  # noqa: ANN401 - a listener; SQLAlchemy does not type it
    def follow(row: object, value: object, _old: object, _initiator: object) -> None:
        if isinstance(value, str):
            setattr(row, key, sort_key(value))

    return follow
