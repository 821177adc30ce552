"""Mutants in the database: each protection in its catalogue, removed or widened."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from sqlalchemy import text
from sqlalchemy.engine import Connection, Row

from insula.db.schema.introspection import tables
from insula.db.schema.provision import SEARCH_PATH
from insula.db.schema.rights import COMMANDS, Right
from tests.proof.mutants.keys import key_mutants
from tests.proof.mutants.schema_mutants import DATABASE, Probe, SchemaMutant
from tests.proof.mutants.triggers import trigger_mutants
from tests.support.apps import DECLARED

ROLES: Final = DECLARED.serving_roles
_ANY_TABLE: Final = "rack"  # a role without more rights than declared cannot read it
_CHECK_ALONE: Final = frozenset(
    {
        # Policies opened to every role, although no other role has the right, or not on these rows.
        "idempotency_record: policy insula_worker_delete is everybody's",
        "invitation: policy insula_worker_delete is everybody's",
        "job_effect: policy insula_worker_delete is everybody's",
        "membership: policy insula_identity_update is everybody's",
        "procrastinate_jobs: policy insula_admin_update is everybody's",
        "tenant: policy insula_admin_update is everybody's",
        "tenant_domain: policy insula_worker_update is everybody's",
        "webhook_event: policy insula_admin_update is everybody's",
        "webhook_event: policy insula_billing_insert is everybody's",
        "webhook_event: policy insula_billing_update is everybody's",
        # Without these policies a trigger, a foreign key or another policy still refuses.
        "audit_event: policy tenant_isolation writes everywhere",
        "audit_head: policy tenant_isolation writes everywhere",
        "procrastinate_jobs: policy tenant_isolation writes everywhere",
        "procrastinate_jobs: policy tenantless is dropped",
        "procrastinate_jobs: policy tenantless is everybody's",
        "procrastinate_jobs: policy tenantless writes everywhere",
        "tenant_usage: policy tenant_isolation writes everywhere",
        "webhook_event: policy insula_billing_insert is dropped",
        "webhook_event: policy tenant_isolation writes everywhere",
        # No app uses the owner role, and this table has no tenant_id column for the probes.
        "tenant: the owner is not bound",
        # The other columns are no secret to this role: it reads the tenant's row anyway.
        "tenant_slug: insula_gate may SELECT every column",
    }
)
"""Mutants without an effect, because of other protections: the catalogue check finds them, but no probe can."""
_POLICIES: Final = text("""
SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS relation, tablename, policyname,
       roles::text[] AS roles, qual, with_check
FROM pg_policies WHERE schemaname IN ('public', 'jobs') ORDER BY 1, 2, 3
""")
_REFERENCING: Final = text("""
WITH RECURSIVE emptied AS (
    SELECT oid AS root, oid AS member FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
    UNION SELECT root, conrelid FROM emptied JOIN pg_constraint ON confrelid = member
)
SELECT relname AS table, array_agg(member::regclass::text ORDER BY 1) AS tables
FROM emptied JOIN pg_class ON pg_class.oid = root GROUP BY relname ORDER BY relname
""")


def schema_mutants(connection: Connection) -> list[SchemaMutant]:
    """Return every mutant that can be made in this database."""
    found = tables(connection)
    owned = sorted(table.name for table in found if table.tenant is not None)
    every = [
        *_security([*owned, "jobs.procrastinate_jobs"]),
        *_policies(connection),
        *_grants(table.name for table in found),
        *_truncations(connection),
        *key_mutants(connection, owned),
        *trigger_mutants(connection),
        *_creation_rights(),
        *_server(),
        *_roles(),
    ]
    if gone := _CHECK_ALONE - {mutant.name for mutant in every}:
        raise LookupError(f"listed in _CHECK_ALONE, but there is no such mutant: {', '.join(sorted(gone))}")
    return [replace(mutant, witness=None) if mutant.name in _CHECK_ALONE else mutant for mutant in every]


def _security(relations: Iterable[str]) -> Iterator[SchemaMutant]:
    for relation in relations:
        table = relation.rpartition(".")[2]
        for what, change in (("row-level security is off", "DISABLE"), ("the owner is not bound", "NO FORCE")):
            yield SchemaMutant(
                f"{table}: {what}", (f"ALTER TABLE {relation} {change} ROW LEVEL SECURITY",), Probe(table)
            )


def _policies(connection: Connection) -> Iterator[SchemaMutant]:
    for row in connection.execute(_POLICIES):
        for what, statement in _loosened(row):
            yield SchemaMutant(f"{row.tablename}: policy {row.policyname} {what}", (statement,), Probe(row.tablename))


def _loosened(policy: Row[tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    yield "is dropped", f"DROP POLICY {policy.policyname} ON {policy.relation}"
    alter = f"ALTER POLICY {policy.policyname} ON {policy.relation}"
    if policy.qual not in (None, "true"):
        yield "reads everything", f"{alter} USING (true)"
    if policy.with_check not in (None, "true"):
        yield "writes everywhere", f"{alter} WITH CHECK (true)"
    if policy.roles != ["public"]:
        yield "is everybody's", f"{alter} TO PUBLIC"


def _grants(names: Iterable[str]) -> Iterator[SchemaMutant]:
    declared = {(right.role, right.table, str(right.command)): right for right in DECLARED.rights}
    for table in sorted(names):
        for role in ROLES:
            for command in COMMANDS:
                right = declared.get((role, table, command))
                lockable = (role, table, "DELETE") in declared
                if right is not None and not right.columns and (command != "UPDATE" or lockable):
                    continue
                what = f"may {command}" + (" every column" if right is not None else "")
                grant = f'GRANT {command} ON "{table}" TO {role}'
                yield SchemaMutant(f"{table}: {role} {what}", (grant,), Probe(table, role))


def _truncations(connection: Connection) -> Iterator[SchemaMutant]:
    """Let a role truncate a table and the tables that reference it, which TRUNCATE requires."""
    for row in connection.execute(_REFERENCING):
        emptied = ", ".join(row.tables)
        for role in (role for role in ROLES):
            grant = f"GRANT TRUNCATE ON {emptied} TO {role}"
            yield SchemaMutant(f"{row.table}: {role} may TRUNCATE", (grant,), Probe(row.table, role))


def _creation_rights() -> Iterator[SchemaMutant]:
    for role in ("PUBLIC", *(role for role in ROLES)):
        witness = Probe(DATABASE, "" if role == "PUBLIC" else role)
        for right in ("TEMP", "CREATE"):
            grant = f"EXECUTE 'GRANT {right} ON DATABASE ' || quote_ident(current_database()) || ' TO {role}';"
            yield SchemaMutant(f"{DATABASE}: {role} has {right}", (f"DO $$ BEGIN {grant} END $$",), witness)
        for schema in ("public", "jobs"):
            create = f"GRANT CREATE ON SCHEMA {schema} TO {role}"
            yield SchemaMutant(f"schema {schema}: {role} has CREATE", (create,), witness)


def _server() -> Iterator[SchemaMutant]:
    """Grant again what a superuser revoked, one of each kind."""
    for what, grant in (
        ("large objects", "EXECUTE ON FUNCTION pg_catalog.lo_from_bytea(oid, bytea)"),
        ("locks of a session", "EXECUTE ON FUNCTION pg_catalog.pg_try_advisory_lock(bigint)"),
        ("locks of a transaction", "EXECUTE ON FUNCTION pg_catalog.pg_advisory_xact_lock_shared(bigint)"),
        ("statistics of tables", "EXECUTE ON FUNCTION pg_catalog.pg_stat_get_live_tuples(oid)"),
        ("numbers of rows", "SELECT (reltuples) ON pg_catalog.pg_class"),
        ("sizes", "EXECUTE ON FUNCTION pg_catalog.pg_total_relation_size(regclass)"),
        ("other sessions", "EXECUTE ON FUNCTION pg_catalog.pg_stat_get_activity(integer)"),
        ("locks of others", "EXECUTE ON FUNCTION pg_catalog.pg_lock_status()"),
        ("the end of sessions", "EXECUTE ON FUNCTION pg_catalog.pg_terminate_backend(integer, bigint)"),
    ):
        yield SchemaMutant(f"{DATABASE}: PUBLIC has {what}", (f"GRANT {grant} TO PUBLIC",), Probe(DATABASE))
    for role in ROLES:
        yield SchemaMutant(
            f"{DATABASE}: {role} has locks of a session",
            (f"GRANT EXECUTE ON FUNCTION pg_catalog.pg_try_advisory_lock(bigint) TO {role}",),
            Probe(DATABASE, role),
        )


def _roles() -> Iterator[SchemaMutant]:
    for role in (role for role in ROLES):
        alter, past, beyond = f"ALTER ROLE {role}", Probe(_ANY_TABLE, role), Probe(DATABASE, role)
        bounded = next((right.table for right in DECLARED.rights if _reads_its_tenant(right, role)), None)
        unbound = None if bounded is None else Probe(bounded, role)
        for power, witness in (("BYPASSRLS", unbound), ("SUPERUSER", past), ("CREATEROLE", beyond)):
            yield SchemaMutant(f"role {role}: has {power}", (f"{alter} {power}",), witness, (f"{alter} NO{power}",))
        owner = f"insula_owner TO {role}", f"insula_owner FROM {role}"
        yield SchemaMutant(f"role {role}: may be the owner", (f"GRANT {owner[0]}",), beyond, (f"REVOKE {owner[1]}",))
        # Harmless by itself: no role may create the objects that the path would lead to. Only the check can detect it.
        path = f"{alter} SET search_path = {SEARCH_PATH}"
        yield SchemaMutant(f"role {role}: any search path", (f"{alter} RESET search_path",), None, (path,))


def _reads_its_tenant(right: Right, role: str) -> bool:
    return (right.role, right.command, right.reach) == (role, "SELECT", "tenant")
