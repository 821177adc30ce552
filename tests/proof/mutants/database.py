"""Holes in the database: what its catalogue holds to keep tenants apart, each taken away or widened."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from sqlalchemy import text
from sqlalchemy.engine import Connection, Row

from insula.db.schema.introspection import tables
from insula.db.schema.provision import SEARCH_PATH
from insula.db.schema.rights import COMMANDS, Right
from tests.proof.mutants.holes import DATABASE, Hole, Probe
from tests.proof.mutants.shapes import shape_holes
from tests.proof.mutants.triggers import trigger_holes
from tests.support.apps import DECLARED

ROLES: Final = DECLARED.serving_roles
_ANY_TABLE: Final = "rack"  # where a role may look only with powers that it should not have
_GATE_ALONE: Final = frozenset(
    {
        # A policy for every role, where no other role has the right, or none on the few rows that the policy is about.
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
        # Policies that let through what a trigger, a reference or a policy beside them then decides.
        "audit_event: policy tenant_isolation writes everywhere",
        "audit_head: policy tenant_isolation writes everywhere",
        "procrastinate_jobs: policy tenant_isolation writes everywhere",
        "procrastinate_jobs: policy tenantless is dropped",
        "procrastinate_jobs: policy tenantless is everybody's",
        "procrastinate_jobs: policy tenantless writes everywhere",
        "tenant_usage: policy tenant_isolation writes everywhere",
        "webhook_event: policy insula_billing_insert is dropped",
        "webhook_event: policy tenant_isolation writes everywhere",
        # The owner is never in an app, and this table has no tenant's column for the probes of it to go by.
        "tenant: the owner is not bound",
        # The columns beside those that it may read are no secrets to it: it reads the tenant's row as it is.
        "tenant_slug: insula_gate may SELECT every column",
    }
)
"""Holes by which nothing can be reached, for what stands behind them: the gate names them, no probe can feel them."""
_POLICIES: Final = text("""
SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS place, tablename, policyname, roles::text[] AS roles,
       qual, with_check
FROM pg_policies WHERE schemaname IN ('public', 'jobs') ORDER BY 1, 2, 3
""")
_REFERENCING: Final = text("""
WITH RECURSIVE emptied AS (
    SELECT oid AS root, oid AS place FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
    UNION SELECT root, conrelid FROM emptied JOIN pg_constraint ON confrelid = place
)
SELECT relname AS table, array_agg(place::regclass::text ORDER BY 1) AS places
FROM emptied JOIN pg_class ON pg_class.oid = root GROUP BY relname ORDER BY relname
""")


def holes(connection: Connection) -> list[Hole]:
    """Return every hole that can be made in this database."""
    found = tables(connection)
    owned = sorted(table.name for table in found if table.tenant is not None)
    every = [
        *_security([*owned, "jobs.procrastinate_jobs"]),
        *_policies(connection),
        *_grants(table.name for table in found),
        *_truncations(connection),
        *shape_holes(connection, owned),
        *trigger_holes(connection),
        *_places(),
        *_server(),
        *_roles(),
    ]
    if gone := _GATE_ALONE - {hole.name for hole in every}:
        raise LookupError(f"left to the gate, but not there: {', '.join(sorted(gone))}")
    return [replace(hole, witness=None) if hole.name in _GATE_ALONE else hole for hole in every]


def _security(places: Iterable[str]) -> Iterator[Hole]:
    for place in places:
        table = place.rpartition(".")[2]
        for what, change in (("row-level security is off", "DISABLE"), ("the owner is not bound", "NO FORCE")):
            yield Hole(f"{table}: {what}", (f"ALTER TABLE {place} {change} ROW LEVEL SECURITY",), Probe(table))


def _policies(connection: Connection) -> Iterator[Hole]:
    for row in connection.execute(_POLICIES):
        for what, statement in _loosened(row):
            yield Hole(f"{row.tablename}: policy {row.policyname} {what}", (statement,), Probe(row.tablename))


def _loosened(policy: Row[tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    yield "is dropped", f"DROP POLICY {policy.policyname} ON {policy.place}"
    alter = f"ALTER POLICY {policy.policyname} ON {policy.place}"
    if policy.qual not in (None, "true"):
        yield "reads everything", f"{alter} USING (true)"
    if policy.with_check not in (None, "true"):
        yield "writes everywhere", f"{alter} WITH CHECK (true)"
    if policy.roles != ["public"]:
        yield "is everybody's", f"{alter} TO PUBLIC"


def _grants(names: Iterable[str]) -> Iterator[Hole]:
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
                yield Hole(f"{table}: {role} {what}", (grant,), Probe(table, role))


def _truncations(connection: Connection) -> Iterator[Hole]:
    """Let a role empty a table, and with it those that reference it: without them it could not."""
    for row in connection.execute(_REFERENCING):
        emptied = ", ".join(row.places)
        for role in (role for role in ROLES):
            grant = f"GRANT TRUNCATE ON {emptied} TO {role}"
            yield Hole(f"{row.table}: {role} may TRUNCATE", (grant,), Probe(row.table, role))


def _places() -> Iterator[Hole]:
    for role in ("PUBLIC", *(role for role in ROLES)):
        witness = Probe(DATABASE, "" if role == "PUBLIC" else role)
        for right in ("TEMP", "CREATE"):
            grant = f"EXECUTE 'GRANT {right} ON DATABASE ' || quote_ident(current_database()) || ' TO {role}';"
            yield Hole(f"{DATABASE}: {role} has {right}", (f"DO $$ BEGIN {grant} END $$",), witness)
        for schema in ("public", "jobs"):
            create = f"GRANT CREATE ON SCHEMA {schema} TO {role}"
            yield Hole(f"schema {schema}: {role} has CREATE", (create,), witness)


def _server() -> Iterator[Hole]:
    """Give back to everybody what a superuser took away, one of each kind."""
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
        yield Hole(f"{DATABASE}: PUBLIC has {what}", (f"GRANT {grant} TO PUBLIC",), Probe(DATABASE))
    for role in ROLES:
        yield Hole(
            f"{DATABASE}: {role} has locks of a session",
            (f"GRANT EXECUTE ON FUNCTION pg_catalog.pg_try_advisory_lock(bigint) TO {role}",),
            Probe(DATABASE, role),
        )


def _roles() -> Iterator[Hole]:
    for role in (role for role in ROLES):
        alter, past, beyond = f"ALTER ROLE {role}", Probe(_ANY_TABLE, role), Probe(DATABASE, role)
        bounded = next((right.table for right in DECLARED.rights if _reads_its_tenant(right, role)), None)
        unbound = None if bounded is None else Probe(bounded, role)
        for power, witness in (("BYPASSRLS", unbound), ("SUPERUSER", past), ("CREATEROLE", beyond)):
            yield Hole(f"role {role}: has {power}", (f"{alter} {power}",), witness, (f"{alter} NO{power}",))
        owner = f"insula_owner TO {role}", f"insula_owner FROM {role}"
        yield Hole(f"role {role}: may be the owner", (f"GRANT {owner[0]}",), beyond, (f"REVOKE {owner[1]}",))
        # By itself harmless: nobody may make what the path would lead to. Only the gate can tell.
        path = f"{alter} SET search_path = {SEARCH_PATH}"
        yield Hole(f"role {role}: any search path", (f"{alter} RESET search_path",), None, (path,))


def _reads_its_tenant(right: Right, role: str) -> bool:
    return (right.role, right.command, right.reach) == (role, "SELECT", "tenant")
