"""Changes to tables with rows, made while requests read and write them.

Each commits by itself and may be repeated, so a revision calls one of them and does nothing else:
an interrupted revision is run again from its start.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from alembic import op
from sqlalchemy import TextClause, text

_WAIT: Final = "1800s"


def create_index(
    name: str, table: str, columns: Sequence[str | TextClause], *, unique: bool = False, where: str = ""
) -> None:
    """Add an index without blocking writes; first drops what an interrupted attempt left.

    Ends only after every transaction that began before it has ended, including a backup's.
    """
    condition = text(where) if where else None
    with op.get_context().autocommit_block(), _patient():
        op.drop_index(name, table_name=table, if_exists=True, postgresql_concurrently=True)
        op.create_index(
            name,
            table,
            list(columns),
            unique=unique,
            if_not_exists=True,
            postgresql_concurrently=True,
            postgresql_where=condition,
        )


def drop_index(name: str, table: str) -> None:
    """Drop an index without blocking reads and writes of the table."""
    with op.get_context().autocommit_block(), _patient():
        op.drop_index(name, table_name=table, if_exists=True, postgresql_concurrently=True)


def add_constraint(name: str, table: str, definition: str) -> None:
    """Add ``CHECK (...)`` or ``FOREIGN KEY (...) REFERENCES ...``: first for new rows, then for existing ones.

    Only the first step, which reads no row, blocks writes. First drops what an interrupted attempt left.
    """
    there = text("SELECT 1 FROM pg_constraint WHERE conname = :name AND conrelid = to_regclass(:table)")
    with op.get_context().autocommit_block():
        if op.get_bind().execute(there, {"name": name, "table": f'"{table}"'}).first() is not None:
            op.execute(f'ALTER TABLE "{table}" DROP CONSTRAINT {name}')
        op.execute(f'ALTER TABLE "{table}" ADD CONSTRAINT {name} {definition} NOT VALID')
        with _patient():
            op.execute(f'ALTER TABLE "{table}" VALIDATE CONSTRAINT {name}')


@contextmanager
def _patient() -> Iterator[None]:
    """Allow long waits for locks that no request queues behind, and statements without a time limit."""
    bind = op.get_bind()
    before = {name: bind.execute(text(f"SHOW {name}")).scalar_one() for name in ("lock_timeout", "statement_timeout")}
    op.execute(f"SET lock_timeout = '{_WAIT}'")
    op.execute("SET statement_timeout = 0")
    try:
        yield
    finally:
        for name, value in before.items():
            op.execute(f"SET {name} = '{value}'")
