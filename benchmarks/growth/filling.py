"""Fills a database by SQL: ten million items in minutes. Afterwards it has every index and grant of the product."""

import time
from collections.abc import Iterator
from typing import Final

import asyncpg

from benchmarks.growth.size import BURST, MEMBERS, PROJECTS, Kind, Size, id_in_sql
from benchmarks.testbed import with_path
from insula.apps import load
from insula.core.settings import Settings
from insula.db.migrate.run import migrate

FILLED: Final = "filled"
_NOW: Final = "timestamptz '2026-11-01 00:00:00Z'"
_ENTITLEMENTS: Final = "requests_per_minute=100000000,projects=100,items=100000,seats=50"
_TABLES: Final = ("user", "auth_session", "membership", "project", "project_item")
# Triggers and foreign keys are off: keys are computed, so they are valid, and the statements below insert the rows that
# triggers would insert.
_WITHOUT_TRIGGERS: Final = {"session_replication_role": "replica", "maintenance_work_mem": "1GB"}
_ADDED: Final = """
    SELECT indexname, indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND tablename = ANY ($1)
      AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = format('public.%I', indexname)::regclass)
"""


async def exists(settings: Settings, maintenance_url: str) -> bool:
    """Return whether the database of these settings is filled; if not, create it, and drop an unfinished one."""
    name = settings.database_url.rpartition("/")[2]
    connection = await asyncpg.connect(maintenance_url)
    try:
        state = await connection.fetchval(
            "SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname = $1", name
        )
        if state == FILLED:
            return True
        await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    finally:
        await connection.close()
    return False


async def fill(settings: Settings, size: Size) -> float:
    """Make the schema by the product's migrations, then the rows; return the seconds that the rows took."""
    migrate(settings, load().database)
    began = time.monotonic()
    connection = await asyncpg.connect(settings.database_url, server_settings=_WITHOUT_TRIGGERS)
    try:
        indexes = await connection.fetch(_ADDED, list(_TABLES))
        for index in indexes:
            await connection.execute(f'DROP INDEX "{index["indexname"]}"')
        for statement in _statements(size):
            await connection.execute(statement)
        for index in indexes:
            await connection.execute(index["indexdef"])
        await connection.execute("VACUUM (ANALYZE)")
        await connection.execute("CHECKPOINT")
        await connection.execute(f"COMMENT ON DATABASE {size.key} IS '{FILLED}'")
    finally:
        await connection.close()
    return time.monotonic() - began


async def megabytes(settings: Settings) -> float:
    """Return the size of the database on disk."""
    connection = await asyncpg.connect(settings.database_url)
    try:
        size: int = await connection.fetchval("SELECT pg_database_size(current_database())")
    finally:
        await connection.close()
    return size / 1e6


def maintenance_url(settings: Settings) -> str:
    """Return the address of the server's maintenance database."""
    return with_path(settings.database_url, "postgres")


def _statements(size: Size) -> Iterator[str]:
    yield from _tenants(size)
    yield from _people(size)
    yield from _work(size)


def _series(count: int) -> str:
    return f"generate_series(0::bigint, {count - 1}) AS n"


def _tenants(size: Size) -> Iterator[str]:
    tenant = id_in_sql(Kind.TENANT, "n")
    each = f"FROM {_series(size.tenants)}"
    yield (
        "INSERT INTO tenant (id, slug, name, status, plan, created_at, updated_at, version) "
        f"SELECT {tenant}, 'tenant-' || n, 'Tenant ' || n, 'active', 'pro', {_NOW}, {_NOW}, 1 {each}"
    )
    yield f"INSERT INTO tenant_slug (tenant_id, slug) SELECT {tenant}, 'tenant-' || n {each}"
    yield (
        "INSERT INTO entitlement (tenant_id, key, value, updated_at) "
        f"SELECT {tenant}, split_part(granted, '=', 1), split_part(granted, '=', 2)::bigint, {_NOW} "
        f"{each}, unnest(string_to_array('{_ENTITLEMENTS}', ',')) AS granted"
    )
    yield (
        "INSERT INTO tenant_usage (tenant_id, resource, used) "
        f"SELECT {tenant}, resource, used {each}, "
        f"(VALUES ('projects', {PROJECTS}), ('items', {size.items})) AS held (resource, used)"
    )
    if size.custom_roles:
        yield _custom_roles(size)


def _custom_roles(size: Size) -> str:
    """Return the SQL that makes each tenant's custom roles. All can read; their other permissions differ."""
    number = f"n * {size.custom_roles} + place"
    may = "ARRAY['project:read', 'item:read', 'item:create', 'item:update', 'item:delete', 'member:read']"
    return (
        "INSERT INTO custom_role (tenant_id, id, created_at, updated_at, version, key, name, description, permissions) "  # noqa: S608  # made of numbers
        f"SELECT {id_in_sql(Kind.TENANT, 'n')}, {id_in_sql(Kind.ROLE, number)}, {_NOW}, {_NOW}, 1, "
        f"'own-' || place, 'Role ' || place, '', ({may})[1 : 2 + place % 5] "
        f"FROM {_series(size.tenants)}, generate_series(0, {size.custom_roles - 1}) AS place"
    )


def _people(size: Size) -> Iterator[str]:
    user, each = id_in_sql(Kind.USER, "n"), f"FROM {_series(size.users)}"
    yield (
        'INSERT INTO "user" (id, email, name, status, email_verified_at, created_at, updated_at, version) '
        f"SELECT {user}, 'user-' || n || '@bench.example', 'User ' || n, 'active', {_NOW}, {_NOW}, {_NOW}, 1 {each}"
    )
    yield (
        "INSERT INTO auth_session (id, user_id, created_at, last_used_at, expires_at) "
        f"SELECT {id_in_sql(Kind.SESSION, 'n')}, {user}, {_NOW}, {_NOW}, now() + interval '1 year' {each}"
    )
    place = f"n / {size.tenants}"
    ordinary = f"'own-' || {place} % {size.custom_roles}" if size.custom_roles else "'member'"
    role = f"CASE {place} WHEN 0 THEN 'owner' WHEN 1 THEN 'admin' ELSE {ordinary} END"
    yield (
        "INSERT INTO membership (tenant_id, id, created_at, updated_at, version, user_id, role, email, name) "  # noqa: S608  # made of numbers
        f"SELECT {id_in_sql(Kind.TENANT, f'n % {size.tenants}')}, {id_in_sql(Kind.MEMBERSHIP, 'n')}, "
        f"{_NOW}, {_NOW}, 1, {id_in_sql(Kind.USER, 'n / 2')}, {role}, "
        f"'user-' || n / 2 || '@bench.example', 'User ' || n / 2 FROM {_series(size.tenants * MEMBERS)}"
    )


def _work(size: Size) -> Iterator[str]:
    tenant = id_in_sql(Kind.TENANT, f"n / {PROJECTS}")
    yield (
        "INSERT INTO project (tenant_id, id, created_at, updated_at, version, name, description, status) "  # noqa: S608  # made of numbers
        f"SELECT {tenant}, {id_in_sql(Kind.PROJECT, 'n')}, {_NOW}, {_NOW}, 1, 'Project ' || n, '', 'active' "
        f"FROM {_series(size.tenants * PROJECTS)}"
    )
    for burst in range(size.bursts):
        yield _items(size, burst)


def _items(size: Size, burst: int) -> str:
    """Return the SQL that writes one burst of every tenant, one tenant after the other."""
    number = f"({burst}::bigint * {size.tenants} * {BURST} + n)"
    tenant = f"n / {BURST}"
    made = f"{_NOW} + {number} * interval '1 millisecond'"
    project = f"{tenant} * {PROJECTS} + {burst % PROJECTS}"
    return (
        "INSERT INTO project_item "  # noqa: S608  # made of numbers
        "(tenant_id, id, created_at, updated_at, version, project_id, title, body, status, position) "
        f"SELECT {id_in_sql(Kind.TENANT, tenant)}, {id_in_sql(Kind.ITEM, number)}, {made}, {made}, 1, "
        f"{id_in_sql(Kind.PROJECT, project)}, 'Item ' || {number}, 'Two paragraphs and a picture.', 'open', "
        f"{burst} * {BURST} + n % {BURST} FROM {_series(size.tenants * BURST)}"
    )
