"""The catalogue check's search for objects other than tables that bypass row-level security."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import text
from sqlalchemy.engine import Connection

from insula.db.engine.roles import OWNER
from insula.db.schema.declarations import Declarations

# Objects of an extension are not listed one by one: an undeclared extension is one finding.
_BYPASSES: Final = text("""
WITH extended AS (
    SELECT classid, objid FROM pg_depend JOIN pg_extension ON pg_extension.oid = refobjid
    WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e' AND extname <> 'plpgsql'
),
own_class AS (
    SELECT * FROM pg_class WHERE oid NOT IN (SELECT objid FROM extended WHERE classid = 'pg_class'::regclass)
),
own_proc AS (
    SELECT * FROM pg_proc WHERE oid NOT IN (SELECT objid FROM extended WHERE classid = 'pg_proc'::regclass)
)
SELECT 'view ' || relname || ' is not security_invoker: it shows every tenant' AS finding
FROM own_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace
  AND NOT coalesce(reloptions::text[] && ARRAY['security_invoker=true', 'security_invoker=on', 'security_invoker=1'],
                   false)
UNION ALL
SELECT 'materialised view ' || relname || ' holds every tenant'
FROM own_class WHERE relkind = 'm' AND relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'foreign table ' || relname || ' shows rows that no policy guards'
FROM own_class WHERE relkind = 'f' AND relnamespace = ANY (:schemas)
UNION ALL
SELECT 'sequence ' || relname || ' makes predictable ids'
FROM own_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace
UNION ALL
SELECT relname || ': the rule ' || rulename || ' runs with the rights of the owner'
FROM pg_rewrite JOIN own_class ON own_class.oid = ev_class
WHERE rulename <> '_RETURN' AND relnamespace = ANY (:schemas)
UNION ALL
SELECT relname || ': the trigger ' || tgname || ' is switched off'
FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
WHERE tgenabled NOT IN ('O', 'A') AND relnamespace = ANY (:schemas)
UNION ALL
SELECT relname || ': the constraint ' || conname || ' is not validated'
FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
WHERE NOT convalidated AND relnamespace = ANY (:schemas)
UNION ALL
SELECT 'function ' || proname || ' is SECURITY DEFINER: it bypasses row-level security'
FROM own_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace
UNION ALL
SELECT 'function ' || proname || ' is LEAKPROOF: it sees rows before a policy does'
FROM own_proc WHERE proleakproof AND pronamespace = ANY (:schemas)
UNION ALL
SELECT 'function ' || proname || ' may be called by ' || coalesce(rolname, 'PUBLIC') || ', which is not declared'
FROM own_proc CROSS JOIN aclexplode(coalesce(proacl, acldefault('f', proowner))) AS acl
LEFT JOIN pg_roles ON pg_roles.oid = acl.grantee
WHERE pronamespace = 'public'::regnamespace AND prorettype <> 'trigger'::regtype AND acl.grantee <> proowner
UNION ALL
SELECT relname || ' is owned by ' || pg_get_userbyid(relowner) || ', not by the owner role'
FROM own_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND relnamespace = 'public'::regnamespace
  AND pg_get_userbyid(relowner) <> :owner
UNION ALL
SELECT 'schema ' || nspname || ' is not one of ours'
FROM pg_namespace WHERE nspname NOT IN ('public', 'jobs', 'information_schema') AND nspname NOT LIKE 'pg\\_%'
  AND oid NOT IN (SELECT objid FROM extended WHERE classid = 'pg_namespace'::regclass)
UNION ALL
SELECT 'the extension ' || extname || ' is not declared'
FROM pg_extension WHERE extname <> 'plpgsql' AND extname <> ALL (:extensions)
UNION ALL
SELECT 'default privileges grant rights that are not declared' FROM pg_default_acl
UNION ALL
SELECT 'a session starts with ' || split_part(setting, '=', 1) || ' set, for ' || coalesce(rolname, 'everybody')
FROM pg_db_role_setting CROSS JOIN unnest(setconfig) AS setting
LEFT JOIN pg_roles ON pg_roles.oid = setrole
LEFT JOIN pg_database ON pg_database.oid = setdatabase
WHERE coalesce(datname, current_database()) = current_database()
  AND split_part(setting, '=', 1) ~ '^(app\\..*|row_security|role|session_replication_role)$'
UNION ALL
SELECT 'there are large objects, which no policy guards'
WHERE EXISTS (SELECT FROM pg_largeobject_metadata)
""")
_TRIGGERS: Final = text("""
SELECT relname AS table, tgname AS name FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
WHERE relnamespace = 'public'::regnamespace AND NOT tgisinternal
""")
_SCHEMAS: Final = text("SELECT array_agg(oid) FROM pg_namespace WHERE nspname IN ('public', 'jobs')")


def bypasses(connection: Connection, declared: Declarations) -> Iterator[str]:
    """Yield a finding for each view, function, rule, setting or other object that bypasses row-level security."""
    schemas = connection.execute(_SCHEMAS).scalar_one()
    yield from connection.execute(
        _BYPASSES, {"owner": OWNER, "schemas": schemas, "extensions": list(declared.extensions)}
    ).scalars()


def missing_triggers(connection: Connection, declared: Declarations) -> Iterator[str]:
    """Yield a finding for each declared trigger that is missing."""
    there = {(row.table, row.name) for row in connection.execute(_TRIGGERS)}
    for table, names in declared.triggers.items():
        yield from (f"{table}: the trigger {name} is missing" for name in names if (table, name) not in there)
