"""The catalogue check's rules for tables: keys and foreign keys must be bound to the tenant."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlmodel import SQLModel

from insula.db.schema.introspection import Table
from insula.db.schema.rights import Rule

Exceptions = Mapping[tuple[str, Rule, str], str]
"""Declared exceptions, by table, rule and subject, with their reasons."""

_INDEXES: Final = text("""
SELECT relation.relname AS table, index.indisprimary AS is_key,
       array(
           SELECT coalesce(attribute.attname::text, '(expression)')
           FROM unnest(index.indkey::smallint[]) WITH ORDINALITY AS part(number, position)
           LEFT JOIN pg_attribute AS attribute
             ON attribute.attrelid = index.indrelid AND attribute.attnum = part.number AND part.number > 0
           WHERE part.position <= index.indnkeyatts ORDER BY part.position
       ) AS columns
FROM pg_index AS index JOIN pg_class AS relation ON relation.oid = index.indrelid
WHERE index.indisunique AND relation.relnamespace = 'public'::regnamespace
""")
_REFERENCES: Final = text("""
SELECT held.conrelid::regclass::text AS name, source.relname AS table, target.relname AS target,
       array(
           SELECT attname::text FROM unnest(held.conkey) WITH ORDINALITY AS part(number, position)
           JOIN pg_attribute ON attrelid = held.conrelid AND attnum = part.number ORDER BY part.position
       ) AS local,
       array(
           SELECT attname::text FROM unnest(held.confkey) WITH ORDINALITY AS part(number, position)
           JOIN pg_attribute ON attrelid = held.confrelid AND attnum = part.number ORDER BY part.position
       ) AS remote,
       array(
           SELECT attname::text FROM unnest(coalesce(held.confdelsetcols, held.conkey)) AS part(number)
           JOIN pg_attribute ON attrelid = held.conrelid AND attnum = part.number
           WHERE held.confdeltype IN ('n', 'd')
       ) AS nulled
FROM pg_constraint AS held
JOIN pg_class AS source ON source.oid = held.conrelid
JOIN pg_class AS target ON target.oid = held.confrelid
WHERE held.contype = 'f' AND source.relnamespace = 'public'::regnamespace
""")


def key_findings(connection: Connection, tables: Iterable[Table], exceptions: Exceptions) -> Iterator[str]:
    """Yield a finding for each key, unique constraint and foreign key that lets one tenant reach another."""
    owned = {table.name: table.tenant for table in tables if table.tenant is not None}
    yield from _keys(connection, owned, exceptions)
    yield from _references(connection, owned, exceptions)


def missing_references(connection: Connection) -> Iterator[str]:
    """Yield a finding for each foreign key of the models that the database lacks."""
    actual = {
        (row.table, frozenset(zip(row.local, row.remote, strict=True))) for row in connection.execute(_REFERENCES)
    }
    for table in SQLModel.metadata.tables.values():
        for held in table.foreign_key_constraints:
            pairs = {(part.parent.name, part.column.name) for part in held.elements}
            if (table.name, frozenset(pairs)) not in actual:
                named = ", ".join(held.column_keys)
                yield f"{table.name}: the foreign key ({named}) to {held.referred_table.name} is missing"


def _keys(connection: Connection, owned: Mapping[str, str], exceptions: Exceptions) -> Iterator[str]:
    keyed = set()
    for row in connection.execute(_INDEXES):
        tenant = owned.get(row.table)
        named = ",".join(row.columns)
        if row.is_key:
            keyed.add(row.table)
            if tenant is not None and row.columns[0] != tenant and (row.table, "key", named) not in exceptions:
                yield f"{row.table}: the primary key ({named}) does not start with {tenant}"
        elif tenant is not None and tenant not in row.columns and (row.table, "unique", named) not in exceptions:
            yield f"{row.table}: unique ({named}) crosses tenants"
    yield from (f"{table}: there is no primary key" for table in owned if table not in keyed)


def _references(connection: Connection, owned: Mapping[str, str], exceptions: Exceptions) -> Iterator[str]:
    for row in connection.execute(_REFERENCES):
        if row.table not in owned and row.target not in owned:
            continue
        pairs = set(zip(row.local, row.remote, strict=True))
        sound = (owned.get(row.table), owned.get(row.target)) in pairs
        if not sound and (row.table, "reference", row.target) not in exceptions:
            yield f"{row.table}: the foreign key ({', '.join(row.local)}) to {row.target} does not include the tenant"
        if owned.get(row.table) in row.nulled:
            yield f"{row.table}: deleting from {row.target} would null {owned[row.table]}"
