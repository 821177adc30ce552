"""A database's schema from PostgreSQL's catalogue, as lines, to compare two databases."""

from typing import Final

import asyncpg

from insula.core.settings import Settings

_ALL: Final = """
WITH place AS (
    SELECT oid, nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
), relation AS (
    SELECT pg_class.*, place.nspname || '.' || relname AS label FROM pg_class JOIN place ON place.oid = relnamespace
), procedure AS (
    SELECT pg_proc.*, place.nspname || '.' || proname AS label FROM pg_proc JOIN place ON place.oid = pronamespace
), sorted_acl AS (
    SELECT kind, oid, number, string_agg(item::text, ' ' ORDER BY item::text COLLATE "C") AS acl FROM (
        SELECT 'class' AS kind, oid, 0 AS number, unnest(relacl) AS item FROM pg_class
        UNION ALL SELECT 'column', attrelid, attnum, unnest(attacl) FROM pg_attribute WHERE NOT attisdropped
        UNION ALL SELECT 'proc', oid, 0, unnest(proacl) FROM pg_proc
        UNION ALL SELECT 'schema', oid, 0, unnest(nspacl) FROM pg_namespace
        UNION ALL SELECT 'database', oid, 0, unnest(datacl) FROM pg_database
    ) AS items GROUP BY 1, 2, 3
)
SELECT concat_ws(' ', 'database', pg_get_userbyid(datdba), sorted_acl.acl) AS line
FROM pg_database LEFT JOIN sorted_acl ON kind = 'database' AND sorted_acl.oid = pg_database.oid
WHERE datname = current_database()
UNION ALL
SELECT concat_ws(' ', 'schema', place.nspname, pg_get_userbyid(nspowner), sorted_acl.acl)
FROM place JOIN pg_namespace USING (oid) LEFT JOIN sorted_acl ON kind = 'schema' AND sorted_acl.oid = place.oid
UNION ALL
SELECT concat_ws(' ', 'relation', label, relkind, relpersistence, pg_get_userbyid(relowner),
    'rls', relrowsecurity, relforcerowsecurity, reloptions, sorted_acl.acl, obj_description(relation.oid, 'pg_class'))
FROM relation LEFT JOIN sorted_acl ON kind = 'class' AND sorted_acl.oid = relation.oid
UNION ALL
SELECT concat_ws(' ', 'column', label, attnum, attname, format_type(atttypid, atttypmod), 'not null', attnotnull,
    'identity', attidentity, 'generated', attgenerated, 'default', pg_get_expr(adbin, adrelid),
    'collation', attcollation::regcollation, 'storage', attstorage, attcompression, attoptions,
    sorted_acl.acl, col_description(attrelid, attnum))
FROM relation JOIN pg_attribute ON attrelid = relation.oid AND NOT attisdropped AND attnum > 0
LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
LEFT JOIN sorted_acl ON kind = 'column' AND sorted_acl.oid = attrelid AND number = attnum
WHERE relkind IN ('r', 'p', 'c', 'v', 'm')
UNION ALL
SELECT concat_ws(' ', 'system column', label, attname, sorted_acl.acl)
FROM relation JOIN pg_attribute ON attrelid = relation.oid AND attnum < 0
JOIN sorted_acl ON kind = 'column' AND sorted_acl.oid = attrelid AND number = attnum
UNION ALL
SELECT concat_ws(' ', 'sequence', label, seqtypid::regtype, seqstart, seqincrement, seqmin, seqmax, seqcycle, seqcache,
    'of', refobjid::regclass, refobjsubid, deptype)
FROM pg_sequence JOIN relation ON relation.oid = seqrelid
LEFT JOIN pg_depend ON classid = 'pg_class'::regclass AND objid = seqrelid AND refobjsubid > 0
UNION ALL
SELECT concat_ws(' ', 'constraint', label, conname, pg_get_constraintdef(pg_constraint.oid), convalidated,
    obj_description(pg_constraint.oid, 'pg_constraint'))
FROM pg_constraint JOIN relation ON relation.oid = conrelid
UNION ALL
SELECT concat_ws(' ', 'index', pg_get_indexdef(indexrelid), indisvalid, indisready, indisclustered, indisreplident,
    indnullsnotdistinct)
FROM pg_index JOIN relation ON relation.oid = indrelid
UNION ALL
SELECT concat_ws(' ', 'trigger', pg_get_triggerdef(pg_trigger.oid), tgenabled)
FROM pg_trigger JOIN relation ON relation.oid = tgrelid WHERE NOT tgisinternal
UNION ALL
SELECT concat_ws(' ', 'policy', schemaname, tablename, policyname, permissive, roles, cmd, 'using', qual,
    'check', with_check)
FROM pg_policies
UNION ALL
SELECT concat_ws(' ', 'function', label, pg_get_functiondef(procedure.oid), pg_get_userbyid(proowner), sorted_acl.acl)
FROM procedure LEFT JOIN sorted_acl ON kind = 'proc' AND sorted_acl.oid = procedure.oid WHERE prokind IN ('f', 'p')
UNION ALL
SELECT concat_ws(' ', 'type', nspname, typname, typtype, pg_get_userbyid(typowner), typacl::text,
    (SELECT array_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = pg_type.oid))
FROM pg_type JOIN place ON place.oid = typnamespace
UNION ALL
SELECT concat_ws(' ', 'extension', extname, extversion) FROM pg_extension
UNION ALL
SELECT concat_ws(' ', 'default acl', pg_get_userbyid(defaclrole), defaclnamespace::regnamespace, defaclobjtype,
    defaclacl::text)
FROM pg_default_acl
UNION ALL
SELECT concat_ws(' ', 'setting', setrole::regrole, setconfig)
FROM pg_db_role_setting LEFT JOIN pg_database ON pg_database.oid = setdatabase
WHERE coalesce(datname, current_database()) = current_database()
UNION ALL
SELECT concat_ws(' ', 'rule', schemaname, tablename, rulename, definition) FROM pg_rules
WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
UNION ALL
SELECT concat_ws(' ', 'statistics', pg_get_statisticsobjdef(oid)) FROM pg_statistic_ext
UNION ALL
SELECT concat_ws(' ', 'event trigger', evtname, evtevent, evtfoid::regproc) FROM pg_event_trigger
"""


async def schema_of(settings: Settings) -> list[str]:
    """Return the catalogue's entries for the database's own objects, sorted."""
    connection = await asyncpg.connect(settings.database_url)
    try:
        return sorted(row["line"] for row in await connection.fetch(_ALL))
    finally:
        await connection.close()
