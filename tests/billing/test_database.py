"""The database rights of billing's role, and the effect of its revisions on other branches."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import asyncpg
import pytest

from billing.app import OVERRIDES, WEBHOOK_EVENTS
from billing.database import BILLING
from insula.core.settings import Settings
from insula.db.catalogue.check import check_catalogue
from insula.db.engine.roles import OtherAppRole, role_url
from insula.db.migrate.revisions import applied
from insula.db.migrate.run import as_owner, migrate
from insula.db.schema.branches import heads
from tests.support.apps import DECLARED, INSTALLATION
from tests.support.backends import rows_of
from tests.support.databases import administer, empty_database

WITHOUT = replace(
    DECLARED, branches=tuple(branch for branch in DECLARED.branches if branch.name != "billing"), plans=None
)
TENANT = """
    INSERT INTO tenant (id, created_at, updated_at, version, slug, name, status, plan)
    VALUES (gen_random_uuid(), now(), now(), 1, 'early', 'Early', 'active', 'pro')
"""
MODES = ("ACCESS EXCLUSIVE", "EXCLUSIVE", "SHARE")


async def test_billing_may_change_rows_but_not_lock_their_tables(settings: Settings) -> None:
    connection = await asyncpg.connect(role_url(settings, BILLING))
    try:
        for table in ("webhook_event", "subscription"):
            for mode in MODES:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    async with connection.transaction():
                        await connection.execute(f"LOCK TABLE {table} IN {mode} MODE NOWAIT")
            await connection.execute(f"UPDATE {table} SET status = status WHERE false")  # noqa: S608  our own names
            await connection.execute(f"SELECT 1 FROM {table} WHERE false FOR UPDATE")  # noqa: S608  likewise
    finally:
        await connection.close()


async def test_billing_reads_customers_and_changes_none(settings: Settings) -> None:
    connection = await asyncpg.connect(role_url(settings, BILLING))
    try:
        await connection.execute("SELECT 1 FROM billing_customer WHERE false")
        for statement in (
            "UPDATE billing_customer SET provider = provider WHERE false",
            "INSERT INTO billing_customer SELECT * FROM billing_customer WHERE false",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


def test_billing_records_members_machines_the_provider_and_the_system_as_actors() -> None:
    assert set(DECLARED.actors[BILLING]) == {"user", "api_key", "oauth_client", "provider", "system"}


def test_the_role_of_the_admin_app_that_billing_names_is_declared() -> None:
    named = {
        right.role
        for resource in (OVERRIDES, WEBHOOK_EVENTS)
        for rights in resource.tables
        if isinstance(rights, tuple)
        for right in rights
        if isinstance(right.role, OtherAppRole)
    }
    assert named == {INSTALLATION.app("admin").database_role}
    assert named <= set(DECLARED.app_roles)


def test_the_plans_exist_before_other_branches_add_entitlements() -> None:
    assert [branch.name for branch in DECLARED.branches][:2] == ["kernel", "billing"]


async def test_a_plan_names_only_declared_entitlements(
    readback: Callable[..., Awaitable[list[dict[str, object]]]],
) -> None:
    rows = await readback("select distinct jsonb_object_keys(entitlements) as key from plan")
    named = {str(row["key"]) for row in rows}
    assert "requests_per_minute" in named
    assert named <= set(INSTALLATION.entitlements)


async def test_billing_can_be_added_later_and_puts_tenants_on_their_plans(
    settings: Settings,
) -> None:
    async with empty_database(settings) as own:
        migrate(own, WITHOUT)
        assert await rows_of(own, "SELECT to_regclass('plan') AS there") == [{"there": None}]
        await administer(own, TENANT)
        migrate(own, DECLARED)
        as_owner(own, lambda connection: _whole(set(applied(connection)), check_catalogue(connection, DECLARED)))
        assert await rows_of(own, "SELECT plan_key FROM subscription") == [{"plan_key": "pro"}]
        assert await rows_of(own, "SELECT value FROM entitlement WHERE key = 'seats'") == [{"value": 50}]


def _whole(revisions: set[str], found: list[str]) -> None:
    assert revisions == set(heads(DECLARED.branches).values())
    assert found == []
