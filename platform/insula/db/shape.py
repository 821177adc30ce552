"""What the catalogue gate asks of tables and other objects: keys led by the tenant, and no side doors."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from sqlalchemy import text
from sqlalchemy.engine import Connection

from insula.db.observed import Table
from insula.db.rights import EXCEPTIONS
from insula.db.roles import DatabaseRole

_INDEXES: Final = text("""
SELECT relation.relname AS table, index.indisprimary AS is_key,
       array(
           SELECT coalesce(attribute.attname::text, '(expression)')
           FROM unnest(index.indkey::smallint[]) WITH ORDINALITY AS part(number, place)
           LEFT JOIN pg_attribute AS attribute
             ON attribute.attrelid = index.indrelid AND attribute.attnum = part.number AND part.number > 0
           WHERE part.place <= index.indnkeyatts ORDER BY part.place
       ) AS columns
FROM pg_index AS index JOIN pg_class AS relation ON relation.oid = index.indrelid
WHERE index.indisunique AND relation.relnamespace = 'public'::regnamespace
""")
_REFERENCES: Final = text("""
SELECT held.conrelid::regclass::text AS name, source.relname AS table, target.relname AS target,
       array(
           SELECT attname::text FROM unnest(held.conkey) WITH ORDINALITY AS part(number, place)
           JOIN pg_attribute ON attrelid = held.conrelid AND attnum = part.number ORDER BY part.place
       ) AS local,
       array(
           SELECT attname::text FROM unnest(held.confkey) WITH ORDINALITY AS part(number, place)
           JOIN pg_attribute ON attrelid = held.confrelid AND attnum = part.number ORDER BY part.place
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
_SIDE_DOORS: Final = text("""
SELECT 'view ' || relname || ' is not security_invoker: it shows every tenant' AS finding
FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace
  AND NOT coalesce(reloptions::text[] && ARRAY['security_invoker=true', 'security_invoker=on', 'security_invoker=1'],
                   false)
UNION ALL
SELECT 'materialised view ' || relname || ' holds every tenant'
FROM pg_class WHERE relkind = 'm' AND relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'sequence ' || relname || ' makes ids that can be counted'
FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'function ' || proname || ' is SECURITY DEFINER: it runs past row-level security'
FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace
UNION ALL
SELECT relname || ' is owned by ' || pg_get_userbyid(relowner) || ', not by the owner role'
FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND relnamespace = 'public'::regnamespace
  AND pg_get_userbyid(relowner) <> :owner
UNION ALL
SELECT 'schema ' || nspname || ' is not one of ours'
FROM pg_namespace WHERE nspname NOT IN ('public', 'jobs', 'information_schema') AND nspname NOT LIKE 'pg\\_%'
UNION ALL
SELECT 'default privileges grant rights that are not declared' FROM pg_default_acl
""")


def shape_findings(connection: Connection, tables: Iterable[Table]) -> Iterator[str]:
    """Name every key, unique constraint, foreign key and object that lets one tenant reach another."""
    owned = {table.name: table.tenant for table in tables if table.tenant is not None}
    yield from _keys(connection, owned)
    yield from _references(connection, owned)
    yield from connection.execute(_SIDE_DOORS, {"owner": DatabaseRole.OWNER.value}).scalars()


def _keys(connection: Connection, owned: Mapping[str, str]) -> Iterator[str]:
    keyed = set()
    for row in connection.execute(_INDEXES):
        tenant = owned.get(row.table)
        named = ",".join(row.columns)
        if row.is_key:
            keyed.add(row.table)
            if tenant is not None and row.columns[0] != tenant and (row.table, "key", named) not in EXCEPTIONS:
                yield f"{row.table}: the primary key ({named}) is not led by {tenant}"
        elif tenant is not None and tenant not in row.columns and (row.table, "unique", named) not in EXCEPTIONS:
            yield f"{row.table}: unique ({named}) crosses tenants"
    yield from (f"{table}: there is no primary key" for table in owned if table not in keyed)


def _references(connection: Connection, owned: Mapping[str, str]) -> Iterator[str]:
    for row in connection.execute(_REFERENCES):
        if row.table not in owned and row.target not in owned:
            continue
        pairs = set(zip(row.local, row.remote, strict=True))
        sound = (owned.get(row.table), owned.get(row.target)) in pairs
        if not sound and (row.table, "reference", row.target) not in EXCEPTIONS:
            yield f"{row.table}: the foreign key ({', '.join(row.local)}) to {row.target} leaves the tenant open"
        if owned.get(row.table) in row.nulled:
            yield f"{row.table}: deleting from {row.target} would null {owned[row.table]}"
