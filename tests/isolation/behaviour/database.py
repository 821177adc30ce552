"""Probes beyond tables: other roles, the server's files, functions, sequences, statistics, large objects."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Final

from sqlalchemy import text

from insula.db.engine.roles import DatabaseRole
from insula.db.schema.queue_rights import SCHEMA
from insula.db.schema.server_rights import kept
from tests.isolation.behaviour.outcome import DENIED, UNSUPPORTED
from tests.isolation.behaviour.report import Findings
from tests.isolation.behaviour.subjects import ROLES
from tests.isolation.behaviour.tenant_pair import TenantPair, command, copy_query
from tests.support.apps import DECLARED

_REFUSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "a temporary table": "CREATE TEMP TABLE spy (id int)",
        "a table": "CREATE TABLE public.spy (id int)",
        "a function": "CREATE FUNCTION public.spy() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "a temporary function": "CREATE FUNCTION pg_temp.spy() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "a table in the queue's schema": "CREATE TABLE jobs.spy (id int)",
        "a schema": "CREATE SCHEMA spy",
        "a role": "CREATE ROLE spy",
        "a publication": "CREATE PUBLICATION spy FOR ALL TABLES",
        "triggers disabled": "SET session_replication_role = replica",
        "a file of the server's": "SELECT pg_read_file('PG_VERSION')",
        "its directory": "SELECT pg_ls_dir('.')",
        "passwords": "SELECT rolpassword FROM pg_authid",
        "statistics": "SELECT stavalues1 FROM pg_statistic",
        "large objects": "SELECT data FROM pg_largeobject",
        "a large object of its own": "SELECT lo_from_bytea(0, 'mine')",
        "a lock of the session's": "SELECT pg_try_advisory_lock(20261130)",
        "a shared lock": "SELECT pg_advisory_xact_lock_shared(20261202)",
        "the number of rows": "SELECT reltuples FROM pg_class",
        "the number of rows written": "SELECT pg_stat_get_live_tuples('public.rack'::regclass)",
        "the size of a table": "SELECT pg_total_relation_size('public.rack')",
        "the queries of other sessions": "SELECT query FROM pg_stat_activity",
        "the locks of other sessions": "SELECT objid FROM pg_locks",
        "the end of another session": "SELECT pg_terminate_backend(0)",
    }
)
_OF_ITSELF: Final = ("ALTER ROLE {role} BYPASSRLS", "ALTER ROLE {role} SUPERUSER", "GRANT insula_owner TO {role}")
_FUNCTIONS: Final = text("""
SELECT nspname || '.' || proname AS name, proname AS bare, nspname AS schema, prorettype = 'trigger'::regtype AS called,
       array_to_string(array(SELECT 'NULL::' || format_type(kind, NULL) FROM unnest(proargtypes::oid[]) AS kind), ', ')
           AS arguments
FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace WHERE nspname IN ('public', 'jobs')
ORDER BY 1
""")
_OWN_STATISTICS: Final = "SELECT 1 FROM pg_stats WHERE schemaname || '.' || tablename = ANY (:tables)"
_MADE: Final = text("SELECT lo_from_bytea(0, 'theirs')")


async def probe_database(pair: TenantPair, found: Findings) -> None:
    """Try everything that could bypass the tables."""
    await _remake(pair, found)
    await _lock(pair, found)
    await _become_another(pair, found)
    await _call_functions(pair, found)
    await _count_sequences(pair, found)
    await _read_statistics(pair, found)
    await _read_large_objects(pair, found)


async def _remake(pair: TenantPair, found: Findings) -> None:
    backend = (await pair.superuser.execute(text("SELECT pg_backend_pid()"))).scalar_one()
    await pair.superuser.rollback()
    harmful = {"another's backend": f"SELECT pg_terminate_backend({backend})"}
    for role in ROLES:
        await _denied(pair, role, {**_REFUSED, **harmful}, found)
        await _denied(pair, role, {sql: sql.format(role=role) for sql in _OF_ITSELF}, found)
        for sql in ("COPY (SELECT 1) TO PROGRAM 'cat'", "COPY (SELECT 1) TO '/tmp/spy'"):
            found.denied(role, sql, await pair.attempt_raw(role, command(sql), pair.mine))
        own = await pair.attempt_raw(role, copy_query("SELECT 'mine'", "mine"), pair.mine)
        found.works(role, "COPY TO STDOUT", own)
    sound = {**_REFUSED, **{sql: sql.format(role=ROLES[0]) for sql in _OF_ITSELF}}
    for what, outcome in zip(sound, await pair.each_by_superuser(list(sound.values())), strict=True):
        found.works("the superuser", what, outcome)


async def _denied(pair: TenantPair, role: DatabaseRole, tried: Mapping[str, str], found: Findings) -> None:
    for what, outcome in zip(tried, await pair.attempt_each(role, list(tried.values())), strict=True):
        found.denied(role, what, outcome)


async def _lock(pair: TenantPair, found: Findings) -> None:
    """Take the locks that requests take: each role may take only the declared ones."""
    keeps = kept(DECLARED)
    calls = {signature: _locking(signature) for _, signature in sorted(keeps)}
    for role in ROLES:
        outcomes = await pair.attempt_each(role, list(calls.values()))
        for signature, outcome in zip(calls, outcomes, strict=True):
            if (role, signature) in keeps:
                found.works(role, signature, outcome)
            else:
                found.denied(role, signature, outcome)


def _locking(signature: str) -> str:
    name, _, arguments = signature.rstrip(")").partition("(")
    return f"SELECT {name}({', '.join('20261201' for _ in arguments.split(','))})"


async def _become_another(pair: TenantPair, found: Findings) -> None:
    """No role can become another role; each can become itself."""
    for role in ROLES:
        tried = [
            (other, f"SET LOCAL {shoes} {other}")
            for other in DECLARED.roles
            for shoes in ("ROLE", "SESSION AUTHORIZATION")
        ]
        for (other, sql), outcome in zip(tried, await pair.attempt_each(role, [sql for _, sql in tried]), strict=True):
            if other == role:
                found.works(role, sql, outcome)
            else:
                found.denied(role, sql, outcome)


async def _call_functions(pair: TenantPair, found: Findings) -> None:
    """Only the declared roles can call the queue's functions, and nobody can call trigger functions."""
    declared = {(right.role, right.name) for right in DECLARED.queue_rights if right.privilege == "EXECUTE"}
    functions = (await pair.superuser.execute(_FUNCTIONS)).all()
    await pair.superuser.rollback()
    calls = [f"SELECT {function.name}({function.arguments})" for function in functions]
    for role in ROLES:
        outcomes = await pair.attempt_each(role, calls)
        for function, outcome in zip(functions, outcomes, strict=True):
            if function.schema == SCHEMA and (role, function.bare) in declared:
                found.callable(role, f"{function.name}()", outcome)
            elif function.called:
                found.fails(role, f"{function.name}()", outcome, DENIED, UNSUPPORTED)
            else:
                found.denied(role, f"{function.name}()", outcome)


async def _count_sequences(pair: TenantPair, found: Findings) -> None:
    declared = {(right.role, right.name) for right in DECLARED.queue_rights if right.privilege == "USAGE"}
    names = sorted({right.name for right in DECLARED.queue_rights if right.name.endswith("_id_seq")})
    for role in ROLES:
        for name in names:
            there = f"{SCHEMA}.{name}"
            read = f"SELECT last_value FROM {there}"  # noqa: S608  # names of the declaration
            tried = [f"SELECT nextval('{there}')", f"SELECT setval('{there}', 1)", read]
            taken, *others = await pair.attempt_each(role, tried)
            for sql, outcome in zip(tried[1:], others, strict=True):
                found.denied(role, sql, outcome)
            if (role, name) in declared:
                found.works(role, tried[0], taken)
            else:
                found.denied(role, tried[0], taken)


async def _read_statistics(pair: TenantPair, found: Findings) -> None:
    """Try to read tenants' most common values, which pg_stats hides for tables with row-level security."""
    owned = [subject.name.replace('"', "") for subject in pair.subjects if subject.owner]
    statement = text(_OWN_STATISTICS).bindparams(tables=owned)
    for role in ROLES:
        found.nothing(role, "statistics of tenants' tables", await pair.attempt(role, statement, pair.mine))
    found.works("the superuser", "statistics of tenants' tables", await pair.by_superuser(statement))


async def _read_large_objects(pair: TenantPair, found: Findings) -> None:
    """Try to reach another role's large object."""
    async with _large_object(pair) as number:
        calls = (f"lo_get({number})", f"lo_put({number}, 0, 'mine')", f"lo_unlink({number})")
        tried = {call: f"SELECT {call}" for call in calls}
        for role in ROLES:
            await _denied(pair, role, tried, found)
        for what, outcome in zip(tried, await pair.each_by_superuser(list(tried.values())), strict=True):
            found.works("the superuser", what, outcome)


@asynccontextmanager
async def _large_object(pair: TenantPair) -> AsyncIterator[int]:
    number: int = (await pair.superuser.execute(_MADE)).scalar_one()
    await pair.superuser.commit()
    try:
        yield number
    finally:
        await pair.superuser.execute(text("SELECT lo_unlink(:number)"), {"number": number})
        await pair.superuser.commit()
