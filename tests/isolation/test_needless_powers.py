"""Rights that an app's role must lack, so that an SQL injection cannot use them, besides other tenants' rows.

Each attempt connects as the role, and the same test shows that the role's legitimate use works.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from admin.database import ADMIN
from insula.cli.commands.doctor import examine
from insula.core import clock
from insula.core.ids import new_id
from insula.core.settings import Settings
from insula.db.catalogue.check import findings
from insula.db.engine.roles import GATE, IDENTITY, OWNER, WORKER, DatabaseRole, role_url
from insula.db.migrate.run import migrate
from insula.db.schema.server_rights import REVOKED_FUNCTIONS
from tenants.database import TENANTS
from tests.isolation.behaviour.subjects import ROLES
from tests.support.apps import DECLARED
from tests.support.cluster import superuser_url, with_path
from tests.support.factories import Factories, TenantRow

Connect = Callable[[DatabaseRole], AbstractAsyncContextManager[asyncpg.Connection]]
DENIED = asyncpg.InsufficientPrivilegeError


@pytest.fixture
async def tenant(make: Factories) -> TenantRow:
    return await make.tenant()


@pytest.fixture
def acting(settings: Settings, tenant: TenantRow) -> Connect:
    """Connect as a role, for the tenant, in a transaction that is rolled back."""

    @asynccontextmanager
    async def connect(role: DatabaseRole) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(role_url(settings, role))
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(f"SET LOCAL app.tenant_id = '{tenant.id}'")
        try:
            yield connection
        finally:
            await transaction.rollback()
            await connection.close()

    return connect


async def refused(connection: asyncpg.Connection, statement: str, *arguments: object) -> None:
    """Expect a refusal of the statement; the transaction continues."""
    with pytest.raises(DENIED):
        async with connection.transaction():
            await connection.execute(statement, *arguments)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT lo_creat(-1)",
        "SELECT lo_create(0)",
        "SELECT lo_from_bytea(0, 'kept past every policy')",
        "SELECT pg_advisory_lock(n) FROM generate_series(1, 3) AS n",
        "SELECT pg_advisory_lock_shared(1)",
        "SELECT pg_try_advisory_lock(1, 2)",
        "SELECT reltuples FROM pg_class",
        "SELECT relpages FROM pg_class",
        "SELECT n_live_tup FROM pg_stat_user_tables",
        "SELECT n_tup_ins FROM pg_stat_all_tables",
        "SELECT tup_inserted FROM pg_stat_database",
        "SELECT idx_scan FROM pg_stat_user_indexes",
        "SELECT heap_blks_read FROM pg_statio_user_tables",
        "SELECT query FROM pg_stat_activity",
        "SELECT pid FROM pg_locks",
        "SELECT pg_total_relation_size('rack')",
        "SELECT pg_relation_size('rack')",
        "SELECT pg_terminate_backend(pg_backend_pid())",
        "SELECT pg_cancel_backend(pg_backend_pid())",
    ],
)
async def test_no_app_has_the_rights_that_postgresql_grants_to_public(
    acting: Connect, role: DatabaseRole, statement: str
) -> None:
    async with acting(role) as connection:
        await refused(connection, statement)
        assert await connection.fetchval("SELECT relname FROM pg_class WHERE relname = 'rack'") == "rack"


async def test_an_operator_with_pg_monitor_keeps_these_rights(settings: Settings) -> None:
    superuser = await asyncpg.connect(settings.database_url)
    try:
        async with superuser.transaction():
            await superuser.execute("SET LOCAL ROLE pg_monitor")
            assert await superuser.fetch("SELECT relname, reltuples FROM pg_class")
            assert await superuser.fetch("SELECT n_live_tup FROM pg_stat_user_tables")
            assert await superuser.fetch("SELECT query FROM pg_stat_activity")
    finally:
        await superuser.close()


async def test_requests_may_take_transaction_level_locks_and_workers_may_not(acting: Connect) -> None:
    for role in (*DECLARED.app_roles, IDENTITY):
        async with acting(role) as connection:
            assert await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", new_id().int % 2**62)
    for role in (WORKER, GATE):
        async with acting(role) as connection:
            await refused(connection, "SELECT pg_advisory_xact_lock(1)")


@pytest.mark.parametrize(
    ("role", "table", "column"),
    [
        (TENANTS, "api_key", "name"),
        (TENANTS, "invitation", "role"),
        (IDENTITY, '"user"', "name"),
        (IDENTITY, "credential", "password_hash"),
        (IDENTITY, "auth_session", "revoked_at"),
        (IDENTITY, "refresh_token", "hash"),
        (IDENTITY, "signing_key", "retired_at"),
    ],
)
async def test_a_role_that_may_change_rows_may_not_lock_the_table(
    acting: Connect, role: DatabaseRole, table: str, column: str
) -> None:
    async with acting(role) as connection:
        for mode in ("ACCESS EXCLUSIVE", "EXCLUSIVE", "SHARE"):
            await refused(connection, f"LOCK TABLE {table} IN {mode} MODE NOWAIT")
        await connection.execute(f"UPDATE {table} SET {column} = {column} WHERE false")  # noqa: S608  # our own names
        await connection.execute(f"SELECT 1 FROM {table} WHERE false FOR UPDATE")  # noqa: S608  # as above


async def test_a_role_cannot_change_rows_that_its_code_never_changes(acting: Connect) -> None:
    async with acting(IDENTITY) as connection:
        await connection.execute("SELECT 1 FROM email_token WHERE false")
        await refused(connection, "UPDATE email_token SET name = name WHERE false")


async def test_usage_is_counted_and_no_role_can_write_it(acting: Connect, tenant: TenantRow) -> None:
    used = "SELECT used FROM tenant_usage WHERE tenant_id = $1 AND resource = 'racks'"
    async with acting(TENANTS) as connection:
        made = (
            "INSERT INTO rack (tenant_id, id, name, description, status, created_at, updated_at, version) "
            "VALUES ($1, $2, 'Temple', '', 'active', now(), now(), 1)"
        )
        await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")  # or they are counted at COMMIT
        await connection.execute(made, tenant.id, new_id())
        assert await connection.fetchval(used, tenant.id) == 1

        await refused(connection, "UPDATE tenant_usage SET used = -1000000")
        await refused(connection, "INSERT INTO tenant_usage (tenant_id, resource, used) VALUES ($1, 'x', 0)", tenant.id)

        await connection.execute("DELETE FROM rack")
        assert await connection.fetchval(used, tenant.id) == 0


EVENT = (
    "INSERT INTO audit_event (tenant_id, id, occurred_at, actor_kind, action, object_type, object_id, request_id, "
    "address) VALUES ($1, $2, $3, $4, 'thing.done', 'thing', '1', '', '')"
)
MAY_RECORD = {
    TENANTS: {"user", "api_key", "oauth_client"},
    ADMIN: {"staff"},
    IDENTITY: {"user", "system"},
    WORKER: {"system"},
}


def test_the_roles_of_kernel_tenants_and_admin_record_their_own_kinds_of_actors() -> None:
    assert MAY_RECORD.items() <= {role: set(kinds) for role, kinds in DECLARED.actors.items()}.items()


@pytest.mark.parametrize("role", DECLARED.actors)
async def test_a_role_records_only_events_of_its_kinds_of_actors(
    acting: Connect, tenant: TenantRow, role: DatabaseRole
) -> None:
    async with acting(role) as connection:
        for kind in ("user", "staff", "api_key", "oauth_client", "system", "provider"):
            event = (EVENT, tenant.id, new_id(), clock.now(), kind)
            if kind in DECLARED.actors[role]:
                await connection.execute(*event)
            else:
                await refused(connection, *event)


async def test_the_database_sets_the_time_of_an_event(acting: Connect, settings: Settings, tenant: TenantRow) -> None:
    superuser = await asyncpg.connect(settings.database_url)
    try:
        for moment in (datetime(1990, 1, 1, tzinfo=UTC), datetime(2190, 1, 1, tzinfo=UTC)):
            async with acting(TENANTS) as connection:
                before = await superuser.fetchval("SELECT clock_timestamp()")
                await connection.execute(EVENT, tenant.id, new_id(), moment, "user")
                [row] = await connection.fetch("SELECT occurred_at FROM audit_event WHERE tenant_id = $1", tenant.id)
                assert before <= row["occurred_at"] < before + timedelta(minutes=1)
    finally:
        await superuser.close()


async def test_the_worker_deletes_idempotency_records_but_cannot_read_them(acting: Connect, tenant: TenantRow) -> None:
    async with acting(TENANTS) as connection:
        await connection.execute(
            "INSERT INTO idempotency_record VALUES ($1, $1, 'POST /x', 'key', 'hash', 201, '{}', 'secret', now())",
            tenant.id,
        )
    async with acting(WORKER) as connection:
        for column in ("body", "headers", "request_hash", "key", "route", "principal_id"):
            await refused(connection, f"SELECT {column} FROM idempotency_record")  # noqa: S608  # our own names
        await refused(connection, "SELECT * FROM idempotency_record")
        await refused(connection, "COPY idempotency_record TO STDOUT")
        await connection.execute(
            "DELETE FROM idempotency_record WHERE ctid = ANY (ARRAY("
            "SELECT ctid FROM idempotency_record WHERE created_at < now() - interval '24 hours' LIMIT 10))"
        )


async def test_settings_that_a_role_changed_are_found_and_reset(settings: Settings) -> None:
    """PostgreSQL cannot forbid a role to change its own settings: see docs/guides/isolation-proof.md."""
    connection = await asyncpg.connect(role_url(settings, TENANTS))
    database = await connection.fetchval("SELECT quote_ident(current_database())")
    for setting in ("statement_timeout = 0", "enable_indexscan = off"):
        await connection.execute(f"ALTER ROLE insula_tenants IN DATABASE {database} SET {setting}")
    await connection.close()
    assert await found(settings) >= {
        "role insula_tenants starts with statement_timeout=0, which is not declared",
        "role insula_tenants starts with enable_indexscan=off, which is not declared",
    }

    await asyncio.to_thread(migrate, settings, DECLARED)

    assert await found(settings) == set()
    connection = await asyncpg.connect(role_url(settings, TENANTS))
    assert await connection.fetchval("SHOW statement_timeout") != "0"
    await connection.close()


async def test_doctor_reports_rights_that_only_a_superuser_can_revoke(settings: Settings) -> None:
    """As on a managed server, where the login of ``insula migrate`` is not a superuser."""
    name = f"managed_{secrets.token_hex(4)}"
    own = settings.model_copy(update={"database_url": with_path(settings.database_url, name)})
    admin = await asyncpg.connect(settings.database_url)
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    try:
        await asyncio.to_thread(migrate, own, DECLARED)
        narrowed = {finding.subject: finding for finding in await examine(own, DECLARED)}
        await _open_as_delivered(own)
        delivered = {finding.subject: finding for finding in await examine(own, DECLARED)}
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()
    assert "server" not in narrowed
    assert "are open to every role" in delivered["server"].state
    assert delivered["server"].fix == ""
    assert (narrowed["isolation"].fix, delivered["isolation"].fix) == ("", "")


async def _open_as_delivered(settings: Settings) -> None:
    superuser = await asyncpg.connect(settings.database_url)
    functions = await superuser.fetch(
        "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname ~ $1",
        "|".join(REVOKED_FUNCTIONS.values()),
    )
    every = ", ".join(row[0] for row in functions)
    apps = ", ".join(role for role in (*ROLES, OWNER))
    await superuser.execute(f"REVOKE EXECUTE ON FUNCTION {every} FROM {apps}")
    await superuser.execute(f"GRANT EXECUTE ON FUNCTION {every} TO PUBLIC")
    await superuser.execute("GRANT SELECT ON pg_class TO PUBLIC")
    await superuser.close()


async def found(settings: Settings) -> set[str]:
    engine = create_async_engine(superuser_url(settings), poolclass=NullPool)
    return set(await findings(engine, DECLARED))
