"""What the catalogue gate asks of everything that is not a table: nothing leads past row-level security."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from sqlalchemy import text
from sqlalchemy.engine import Connection

from insula.db.roles import DatabaseRole

_ACCESS: Final = ("access_changed", "access_made")
_APPEND_ONLY: Final = ("no_truncate",)

TRIGGERS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        # A change of access is announced, so that it bites everywhere within a second.
        **dict.fromkeys(
            (
                "api_key",
                "auth_session",
                "custom_role",
                "entitlement",
                "membership",
                "signing_key",
                "staff",
                "tenant_domain",
                "tenant_slug",
                "user",
            ),
            _ACCESS,
        ),
        "tenant": (*_ACCESS, "slug_registered"),
        "audit_event": (*_APPEND_ONLY, "chained", "no_update_or_delete"),
        "audit_head": (*_APPEND_ONLY, "no_delete", "only_by_event"),
        "tenant_usage": ("only_by_count",),
        "project": ("counted_in", "counted_out"),
        "project_item": ("counted_in", "counted_out"),
    }
)
"""The triggers that protect tenants, by table. Others are free to be."""

_DOORS: Final = text("""
SELECT 'view ' || relname || ' is not security_invoker: it shows every tenant' AS finding
FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace
  AND NOT coalesce(reloptions::text[] && ARRAY['security_invoker=true', 'security_invoker=on', 'security_invoker=1'],
                   false)
UNION ALL
SELECT 'materialised view ' || relname || ' holds every tenant'
FROM pg_class WHERE relkind = 'm' AND relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'foreign table ' || relname || ' shows rows that no policy guards'
FROM pg_class WHERE relkind = 'f' AND relnamespace = ANY (:places)
UNION ALL
SELECT 'sequence ' || relname || ' makes ids that can be counted'
FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace
UNION ALL
SELECT relname || ': the rule ' || rulename || ' runs with the rights of the owner'
FROM pg_rewrite JOIN pg_class ON pg_class.oid = ev_class
WHERE rulename <> '_RETURN' AND relnamespace = ANY (:places)
UNION ALL
SELECT relname || ': the trigger ' || tgname || ' is switched off'
FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
WHERE tgenabled NOT IN ('O', 'A') AND relnamespace = ANY (:places)
UNION ALL
SELECT relname || ': the constraint ' || conname || ' is not validated'
FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
WHERE NOT convalidated AND relnamespace = ANY (:places)
UNION ALL
SELECT 'function ' || proname || ' is SECURITY DEFINER: it runs past row-level security'
FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace
UNION ALL
SELECT 'function ' || proname || ' is LEAKPROOF: it sees rows before a policy does'
FROM pg_proc WHERE proleakproof AND pronamespace = ANY (:places)
UNION ALL
SELECT 'function ' || proname || ' may be called by ' || coalesce(rolname, 'PUBLIC') || ', which is not declared'
FROM pg_proc CROSS JOIN aclexplode(coalesce(proacl, acldefault('f', proowner))) AS acl
LEFT JOIN pg_roles ON pg_roles.oid = acl.grantee
WHERE pronamespace = 'public'::regnamespace AND prorettype <> 'trigger'::regtype AND acl.grantee <> proowner
UNION ALL
SELECT relname || ' is owned by ' || pg_get_userbyid(relowner) || ', not by the owner role'
FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND relnamespace = 'public'::regnamespace
  AND pg_get_userbyid(relowner) <> :owner
UNION ALL
SELECT 'schema ' || nspname || ' is not one of ours'
FROM pg_namespace WHERE nspname NOT IN ('public', 'jobs', 'information_schema') AND nspname NOT LIKE 'pg\\_%'
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
SELECT 'large objects are kept, which no policy guards'
WHERE EXISTS (SELECT FROM pg_largeobject_metadata)
""")
_TRIGGERS: Final = text("""
SELECT relname AS table, tgname AS name FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
WHERE relnamespace = 'public'::regnamespace AND NOT tgisinternal
""")
_PLACES: Final = text("SELECT array_agg(oid) FROM pg_namespace WHERE nspname IN ('public', 'jobs')")


def side_doors(connection: Connection) -> Iterator[str]:
    """Name every view, function, rule, setting and other object that leads past row-level security."""
    places = connection.execute(_PLACES).scalar_one()
    yield from connection.execute(_DOORS, {"owner": DatabaseRole.OWNER.value, "places": places}).scalars()


def missing_triggers(connection: Connection) -> Iterator[str]:
    """Name every declared trigger that is not there."""
    there = {(row.table, row.name) for row in connection.execute(_TRIGGERS)}
    for table, names in TRIGGERS.items():
        yield from (f"{table}: the trigger {name} is missing" for name in names if (table, name) not in there)
