"""Normalizes names and sets their sort keys in a migration, in batches of the current tenant's rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA
from sqlalchemy.engine import Connection, Row
from sqlalchemy.types import Text, Uuid

from insula.core.text.collation import sort_key
from insula.core.text.lines import normalize_line, numbered, repair_line
from insula.db.schema.grants import ENTERED_TENANT

BATCH: Final = 1_000
_START: Final = UUID(int=0)
_OWN: Final = f" AND id = {ENTERED_TENANT}"  # the owner role may read every tenant


@dataclass(frozen=True, slots=True)
class Lines:
    """A column of names, the column of their sort keys if there is one, and whether the names are unique."""

    table: str
    column: str
    key: str | None
    longest: int
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """A name that looks different now."""

    id: UUID
    before: str
    after: str


def one_spelling(connection: Connection, lines: Lines) -> Iterator[Change]:
    """Normalize the names that the connection sees and set their keys; yield the names that look different now.

    If names become equal, an unchanged one keeps its name, else the oldest does; the others get a number.
    """
    taken = set(_names(connection, lines)) if lines.unique else set()
    after = _START
    while rows := _batch(connection, lines, after):
        spelled = [(row.id, row.name, _spelled(row.name, lines, taken)) for row in rows]
        _write(connection, lines, spelled)
        yield from (
            Change(row_id, before, now) for row_id, before, now in spelled if now != before and now != _same(before)
        )
        after = rows[-1].id


def _spelled(name: str, lines: Lines, taken: set[str]) -> str:
    spelled = repair_line(name, lines.longest)
    if not lines.unique or spelled == name:
        return spelled
    free, number = spelled, 1
    while free in taken:
        number += 1
        free = numbered(spelled, number, lines.longest)
    taken.add(free)
    return free


def _same(name: str) -> str | None:
    """Return the normalized spelling of ``name`` that looks the same, or None if ``name`` is refused."""
    try:
        return normalize_line(name)
    except ValueError:
        return None


def _names(connection: Connection, lines: Lines) -> Sequence[str]:
    return connection.execute(text(f'SELECT {lines.column} FROM "{lines.table}"')).scalars().all()  # noqa: S608  # own names


def _batch(connection: Connection, lines: Lines, after: UUID) -> Sequence[Row[tuple[UUID, str]]]:
    # Locked: a row renamed between this statement and the next would get its old name back.
    statement = text(
        f'SELECT id, {lines.column} AS name FROM "{lines.table}" '  # noqa: S608  # a migration's own names
        f"WHERE id > :after{_OWN if lines.table == 'tenant' else ''} ORDER BY id LIMIT :most FOR NO KEY UPDATE"
    )
    return connection.execute(statement, {"after": after, "most": BATCH}).all()


def _write(connection: Connection, lines: Lines, spelled: Sequence[tuple[UUID, str, str]]) -> None:
    assigned = [
        f"{lines.column} = new.name",
        f"version = kept.version + CAST(kept.{lines.column} <> new.name AS integer)",
        *([f"{lines.key} = new.key"] if lines.key else []),
    ]
    statement = text(
        f'UPDATE "{lines.table}" AS kept SET {", ".join(assigned)} '  # noqa: S608  # a migration's own names
        "FROM unnest(:ids, :names, :keys) AS new (id, name, key) "
        f"WHERE kept.id = new.id AND (kept.{lines.column} <> new.name OR {'true' if lines.key else 'false'})"
    ).bindparams(
        bindparam("ids", type_=ARRAY(Uuid)),
        bindparam("names", type_=ARRAY(Text)),
        bindparam("keys", type_=ARRAY(BYTEA)),
    )
    connection.execute(
        statement,
        {
            "ids": [row_id for row_id, _, _ in spelled],
            "names": [name for _, _, name in spelled],
            "keys": [sort_key(name) for _, _, name in spelled],
        },
    )
