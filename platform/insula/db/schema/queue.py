"""The job queue's schema: its trigger, row-level security and grants, and the check against the declarations.

Nothing in it is SECURITY DEFINER, and each of its functions has a fixed ``search_path``.
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import text
from sqlalchemy.engine import Connection

from insula.db.engine.roles import OWNER
from insula.db.schema.declarations import Declarations
from insula.db.schema.queue_rights import SCHEMA, SEARCH_PATH, QueuePolicy, QueueRight

_GUARD: Final = """
DECLARE
    tenant text := NEW.args ->> 'tenant_id';
    acting text := nullif(current_setting('app.tenant_id', true), '');
    prefix text := coalesce(tenant, '') || ':';
BEGIN
    IF current_user::text <> ALL (ARRAY[{roles}]) THEN
        RETURN NEW;
    END IF;
    IF tenant IS NULL THEN
        IF current_user || ' ' || NEW.task_name <> ALL (ARRAY[{tenantless}]::text[]) THEN
            RAISE EXCEPTION 'the task % needs a tenant', NEW.task_name USING ERRCODE = 'insufficient_privilege';
        END IF;
    ELSIF acting IS NULL OR acting::uuid::text <> tenant THEN
        RAISE EXCEPTION 'a job is for the tenant of its transaction' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NOT starts_with(coalesce(NEW.lock, prefix), prefix)
        OR NOT starts_with(coalesce(NEW.queueing_lock, prefix), prefix)
    THEN
        RAISE EXCEPTION 'a lock starts with its tenant' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
"""
_FORGET: Final = """
BEGIN
    NEW.args := NEW.args - 'arguments';
    RETURN NEW;
END
"""
_ACTUAL: Final = text("""
SELECT coalesce(grantee.rolname, 'PUBLIC')::text AS role, acl.name, acl.privilege_type AS privilege,
       array_remove(array_agg(acl.column_name ORDER BY acl.column_name), NULL) AS columns, acl.column_name IS NULL
FROM (
    SELECT nspname::text AS name, NULL::text AS column_name, nspowner AS owner,
           (aclexplode(coalesce(nspacl, acldefault('n', nspowner)))).*
    FROM pg_namespace WHERE nspname = 'jobs'
    UNION ALL
    SELECT relname, NULL, relowner, (aclexplode(relacl)).*
    FROM pg_class WHERE relnamespace = to_regnamespace('jobs') AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    UNION ALL
    SELECT relname, attname::text, relowner, (aclexplode(attacl)).*
    FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND NOT attisdropped
    WHERE relnamespace = to_regnamespace('jobs')
    UNION ALL
    SELECT proname, NULL, proowner, (aclexplode(coalesce(proacl, acldefault('f', proowner)))).*
    FROM pg_proc WHERE pronamespace = to_regnamespace('jobs')
) AS acl
LEFT JOIN pg_roles AS grantee ON grantee.oid = acl.grantee
WHERE acl.grantee <> acl.owner
GROUP BY 1, 2, 3, 5
""")
_POLICIES: Final = text("""
SELECT policyname, cmd, roles::text[] AS roles, qual, with_check FROM pg_policies
WHERE schemaname = 'jobs' AND tablename = 'procrastinate_jobs'
""")
_FUNCTIONS: Final = text("""
SELECT proname AS name, prosrc AS source, prosecdef AS definer, proconfig AS configuration
FROM pg_proc WHERE pronamespace = to_regnamespace('jobs')
""")
_FAULTS: Final = text("""
SELECT 'jobs.' || relname || ' is owned by ' || pg_get_userbyid(relowner) AS finding FROM pg_class
WHERE relnamespace = to_regnamespace('jobs') AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  AND pg_get_userbyid(relowner) <> :owner
UNION ALL
SELECT 'jobs.' || relname || ' is a view' FROM pg_class
WHERE relnamespace = to_regnamespace('jobs') AND relkind IN ('v', 'm')
UNION ALL
SELECT 'jobs.procrastinate_jobs: row-level security is not both enabled and forced' FROM pg_class
WHERE oid = to_regclass('jobs.procrastinate_jobs') AND NOT (relrowsecurity AND relforcerowsecurity)
UNION ALL
SELECT 'jobs: the trigger ' || wanted || ' is missing' FROM unnest(ARRAY['guard_job', 'forget_arguments']) AS wanted
WHERE NOT EXISTS (
    SELECT FROM pg_trigger
    WHERE tgrelid = to_regclass('jobs.procrastinate_jobs') AND tgname = wanted AND tgenabled IN ('O', 'A')
)
""")


def queue_exists(connection: Connection) -> bool:
    """Return whether the migration that creates the queue has run."""
    return bool(connection.execute(text("SELECT to_regclass('jobs.procrastinate_jobs') IS NOT NULL")).scalar_one())


def queue_findings(connection: Connection, declared: Declarations) -> list[str]:
    """Return how the queue differs from its declaration; empty when it does not."""
    if not queue_exists(connection):
        return ["schema jobs: there is no queue"]
    actual = {QueueRight(row.role, row.name, row.privilege, tuple(row.columns)) for row in connection.execute(_ACTUAL)}
    rights = declared.queue_rights
    found = [f"jobs.{right.name}: {_described(right)}, which is not declared" for right in actual - rights]
    found += [f"jobs.{right.name}: not {_described(right)}, which is declared" for right in rights - actual]
    policies = {
        (row.policyname, row.cmd, tuple(sorted(row.roles)), row.qual, row.with_check)
        for row in connection.execute(_POLICIES)
    }
    found += [
        f"jobs.procrastinate_jobs: policy {policy[0]} is not as declared"
        for policy in policies ^ declared.queue_policies
    ]
    found += _functions(connection, declared)
    found += connection.execute(_FAULTS, {"owner": OWNER}).scalars()
    return found


def apply_queue(connection: Connection, declared: Declarations) -> None:
    """Replace the queue's triggers, row-level security and grants. Run as the owner."""
    for statement in (
        *_triggers(declared),
        *_fixed_paths(connection),
        *_policies(connection, declared),
        *_grants(declared),
    ):
        connection.exec_driver_sql(statement)


def _described(right: QueueRight) -> str:
    return f"{right.role} may {right.privilege} {', '.join(right.columns) or 'everything'}"


def _guard(declared: Declarations) -> str:
    tenantless = [f"'{role} {task}'" for role, tasks in declared.tenantless.items() for task in tasks]
    producers = ", ".join(f"'{role}'" for role in declared.producers)
    return _GUARD.format(roles=producers, tenantless=", ".join(sorted(tenantless)))


def _functions(connection: Connection, declared: Declarations) -> Iterator[str]:
    sources = {"guard_job": _guard(declared), "forget_arguments": _FORGET}
    for row in connection.execute(_FUNCTIONS):
        if row.definer:
            yield f"jobs.{row.name} is SECURITY DEFINER"
        if row.configuration != [f"search_path={SEARCH_PATH}"]:
            yield f"jobs.{row.name} has no fixed search_path"
        if row.source != sources.get(row.name, row.source):
            yield f"jobs.{row.name} is not as declared"


def _triggers(declared: Declarations) -> Iterator[str]:
    finished = "WHEN (NEW.status IN ('succeeded', 'cancelled', 'aborted'))"
    for name, source, moment in (
        ("guard_job", _guard(declared), "BEFORE INSERT ON jobs.procrastinate_jobs FOR EACH ROW"),
        ("forget_arguments", _FORGET, f"BEFORE UPDATE OF status ON jobs.procrastinate_jobs FOR EACH ROW {finished}"),
    ):
        yield f"CREATE OR REPLACE FUNCTION jobs.{name}() RETURNS trigger LANGUAGE plpgsql AS $${source}$$"
        yield f"CREATE OR REPLACE TRIGGER {name} {moment} EXECUTE FUNCTION jobs.{name}()"
        yield f"ALTER TABLE jobs.procrastinate_jobs ENABLE TRIGGER {name}"


def _fixed_paths(connection: Connection) -> Iterator[str]:
    names = {row.name for row in connection.execute(_FUNCTIONS)} | {"guard_job", "forget_arguments"}
    yield from (f"ALTER FUNCTION jobs.{name} SECURITY INVOKER SET search_path = {SEARCH_PATH}" for name in names)


def _policies(connection: Connection, declared: Declarations) -> Iterator[str]:
    table = "jobs.procrastinate_jobs"
    yield from (f'DROP POLICY "{row.policyname}" ON {table}' for row in connection.execute(_POLICIES))
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
    yield from (_policy(table, policy) for policy in sorted(declared.queue_policies, key=lambda policy: policy[0]))


def _policy(table: str, policy: QueuePolicy) -> str:
    name, command, roles, using, check = policy
    clauses = [f"USING ({using})"] if using else []
    clauses += [f"WITH CHECK ({check})"] if check else []
    return f"CREATE POLICY {name} ON {table} FOR {command} TO {', '.join(roles)} {' '.join(clauses)}"


def _grants(declared: Declarations) -> Iterator[str]:
    everyone = ", ".join(["PUBLIC", *(role for role in declared.roles if role != OWNER)])
    yield f"REVOKE ALL ON SCHEMA {SCHEMA} FROM {everyone}"
    for kind in ("TABLES", "SEQUENCES", "FUNCTIONS"):
        yield f"REVOKE ALL ON ALL {kind} IN SCHEMA {SCHEMA} FROM {everyone}"
    for right in sorted(declared.queue_rights):
        yield f"GRANT {_privilege(right)} ON {_object(right)} TO {right.role}"


def _privilege(right: QueueRight) -> str:
    return f"{right.privilege} ({', '.join(right.columns)})" if right.columns else right.privilege


def _object(right: QueueRight) -> str:
    if right.name == SCHEMA:
        return f"SCHEMA {SCHEMA}"
    kind = "FUNCTION" if right.privilege == "EXECUTE" else "SEQUENCE" if right.name.endswith("_id_seq") else "TABLE"
    return f"{kind} {SCHEMA}.{right.name}"
