"""The catalogue check: whether the database isolates tenants as the code declares, by PostgreSQL's catalogue."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from insula.db.catalogue.bypasses import bypasses, missing_triggers
from insula.db.catalogue.keys import key_findings, missing_references
from insula.db.engine.roles import BACKUP, OWNER, DatabaseRole
from insula.db.schema.acts import acts_findings
from insula.db.schema.counting import counting_findings
from insula.db.schema.declarations import Declarations
from insula.db.schema.introspection import (
    Table,
    TableGrant,
    TablePolicy,
    declared_grants,
    declared_policies,
    granted,
    policies,
    rights_so_far,
    spelled_out,
    tables,
)
from insula.db.schema.provision import SEARCH_PATH, TIME_LIMITS, fixed_settings
from insula.db.schema.queue import queue_exists, queue_findings
from insula.db.schema.server_rights import server_findings

_ROLES: Final = text("""
SELECT role.rolname AS name, role.rolcanlogin AS login,
       array_remove(ARRAY[
           CASE WHEN role.rolsuper THEN 'SUPERUSER' END, CASE WHEN role.rolcreaterole THEN 'CREATEROLE' END,
           CASE WHEN role.rolcreatedb THEN 'CREATEDB' END, CASE WHEN role.rolreplication THEN 'REPLICATION' END,
           CASE WHEN role.rolbypassrls THEN 'BYPASSRLS' END
       ], NULL) AS powers,
       array(
           SELECT DISTINCT setting FROM pg_db_role_setting CROSS JOIN unnest(setconfig) AS setting
           LEFT JOIN pg_database ON pg_database.oid = setdatabase
           WHERE setrole = role.oid AND coalesce(datname, current_database()) = current_database()
       ) AS settings,
       array(
           SELECT pg_get_userbyid(roleid)::text FROM pg_auth_members WHERE member = role.oid
       ) AS groups,
       array(
           SELECT pg_get_userbyid(member)::text FROM pg_auth_members
           WHERE roleid = role.oid AND pg_get_userbyid(member) = ANY (:roles)
       ) AS members
FROM pg_roles AS role WHERE role.rolname = ANY (:roles)
""")
_CONTAINERS: Final = text("""
SELECT 'the database' AS container, pg_get_userbyid(datdba)::text AS owner,
       coalesce(grantee.rolname, 'PUBLIC')::text AS grantee, acl.privilege_type AS right
FROM pg_database,
     aclexplode(coalesce(datacl, acldefault('d', datdba))) AS acl
LEFT JOIN pg_roles AS grantee ON grantee.oid = acl.grantee
WHERE datname = current_database()
UNION ALL
SELECT 'schema public', pg_get_userbyid(nspowner)::text,
       coalesce(grantee.rolname, 'PUBLIC')::text, acl.privilege_type
FROM pg_namespace,
     aclexplode(coalesce(nspacl, acldefault('n', nspowner))) AS acl
LEFT JOIN pg_roles AS grantee ON grantee.oid = acl.grantee
WHERE nspname = 'public'
""")


async def findings(source: AsyncEngine | AsyncConnection, declared: Declarations) -> list[str]:
    """Return the faults of this database's isolation, one line each; empty if there are none."""
    if isinstance(source, AsyncEngine):
        async with source.connect() as connection:
            return await connection.run_sync(check_catalogue, declared)
    return await source.run_sync(check_catalogue, declared)


def check_catalogue(connection: Connection, declared: Declarations) -> list[str]:
    """Return the findings, over a synchronous connection."""
    found = tables(connection)
    rights = [right for table in found for right in spelled_out(table, declared.rights_on(table.name))]
    wanted = {policy for table in found for policy in declared_policies(table, declared.rights_on(table.name))}
    missing = {right.table for right in declared.rights} - {table.name for table in found}
    return sorted(
        {
            *_in_any_revision(connection, found, declared),
            *_grants(connection, declared_grants(rights)),
            *_policies(connection, wanted),
            *(f"{table}: rights are declared, but there is no such table" for table in missing),
            *missing_triggers(connection, declared),
            *counting_findings(connection, declared),
            *acts_findings(connection, declared),
            *missing_references(connection),
            *queue_findings(connection, declared),
        }
    )


def check_revision(connection: Connection, declared: Declarations) -> list[str]:
    """Return the findings at a revision that may not be the last.

    As ``check_catalogue``, but without what a later revision creates: missing tables, columns, triggers and foreign
    keys are no findings.
    """
    found = tables(connection)
    rights = {table: list(rights_so_far(table, declared)) for table in found}
    wanted = {policy for table in found for policy in declared_policies(table, rights[table])}
    return sorted(
        {
            *_in_any_revision(connection, found, declared),
            *_grants(
                connection, declared_grants(right for table in found for right in spelled_out(table, rights[table]))
            ),
            *_policies(connection, wanted),
            *(queue_findings(connection, declared) if queue_exists(connection) else ()),
        }
    )


def _in_any_revision(connection: Connection, found: Sequence[Table], declared: Declarations) -> Iterator[str]:
    yield from _security(found, declared)
    yield from key_findings(connection, found, declared.exceptions)
    yield from bypasses(connection, declared)
    yield from server_findings(connection, declared)
    yield from _roles(connection, declared)
    yield from _containers(connection)


def _security(found: Iterable[Table], declared: Declarations) -> Iterator[str]:
    for table in found:
        if table.tenant is None and table.name not in declared.global_tables:
            yield f"{table.name}: its rows have no tenant, which is not declared"
        if table.tenant is not None and not table.secured:
            yield f"{table.name}: row-level security is not both enabled and forced"


def _grants(connection: Connection, declared: set[TableGrant]) -> Iterator[str]:
    actual = granted(connection)
    for role, table, command, columns in actual - declared:
        yield f"{table}: {role} may {command} {_column_list(columns)}, which is not declared"
    for role, table, command, columns in declared - actual:
        yield f"{table}: {role} may not {command} {_column_list(columns)}, which is declared"


def _column_list(columns: tuple[str, ...]) -> str:
    return ", ".join(columns) or "everything"


def _policies(connection: Connection, declared: set[TablePolicy]) -> Iterator[str]:
    for policy in declared ^ policies(connection):
        yield f"{policy[0]}: policy {policy[1]} is not as declared"


def _roles(connection: Connection, declared: Declarations) -> Iterator[str]:
    names = list(declared.roles)
    seen = set()
    for row in connection.execute(_ROLES, {"roles": names}):
        seen.add(row.name)
        allowed = {"BYPASSRLS"} if row.name == BACKUP else set()
        yield from (f"role {row.name} has {power}" for power in row.powers if power not in allowed)
        yield from (f"role {row.name} is a member of {group}" for group in row.groups)
        yield from (f"role {member} is a member of {row.name}" for member in row.members)
        if not row.login:
            yield f"role {row.name} may not log in"
        yield from _settings(declared.role(row.name), row.settings)
    yield from (f"role {name} does not exist" for name in names if name not in seen)


def _settings(role: DatabaseRole, found: Sequence[str]) -> Iterator[str]:
    """Yield a finding for each role setting that differs from its declaration: a role may change its own settings."""
    expected = dict(fixed_settings(role))
    limits = set() if role in (OWNER, BACKUP) else set(TIME_LIMITS)
    if [setting for setting in found if setting.startswith("search_path=")] != [f"search_path={SEARCH_PATH}"]:
        yield f"role {role} has no fixed search_path"
    for setting in found:
        name, _, value = setting.partition("=")
        bounded = name in limits and value != "0"
        if not bounded and expected.get(name) != value:
            yield f"role {role} starts with {setting}, which is not declared"
    names = {setting.partition("=")[0] for setting in found}
    yield from (f"role {role} starts without {name}, which is declared" for name in {*expected, *limits} - names)


def _containers(connection: Connection) -> Iterator[str]:
    for row in connection.execute(_CONTAINERS):
        if row.owner not in (OWNER, "pg_database_owner"):
            yield f"{row.container} is owned by {row.owner}"
        if row.grantee != row.owner and row.right in ("CREATE", "TEMPORARY"):
            yield f"{row.grantee} has {row.right} on {row.container}"
