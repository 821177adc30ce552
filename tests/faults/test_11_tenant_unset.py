"""Fault 11: without a tenant there is no row, and no error."""

import pytest

from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.engine.roles import DatabaseRole
from tenants.database import TENANTS
from tests.support.apps import DECLARED
from tests.support.factories import Factories
from tests.support.sql import changed, rows

SCOPED = sorted(
    (right.role, right.table)
    for right in DECLARED.rights
    if right.command == "SELECT" and right.reach == "tenant" and right.role in DECLARED.web_roles
)


@pytest.mark.parametrize(("role", "table"), SCOPED)
async def test_without_a_tenant_no_row_is_visible(
    role: DatabaseRole, table: str, make: Factories, database: Database
) -> None:
    every = f'SELECT 1 FROM "{table}"'  # noqa: S608  # a declared table's name
    tenant = await make.tenant()
    await make.member(tenant)
    await make.domain(tenant, f"{tenant.slug}.example.com")
    async with database.unit(role) as unit:  # the setting was never set
        assert await rows(unit, every) == []
    async with database.unit(role, tenant.id) as unit:
        mine = await rows(unit, every)
    async with database.unit(role) as unit:  # the setting is '' from now on
        assert await rows(unit, every) == []
    if table in ("tenant", "membership", "tenant_domain", "entitlement"):
        assert mine != []


async def test_without_a_tenant_no_row_is_changed(make: Factories, settings: Settings) -> None:
    tenant = await make.tenant(name="Kept")
    database = await Database.open(settings, DECLARED.web_roles)
    rename = "UPDATE tenant SET name = 'Changed'"
    async with database.unit(TENANTS) as unit:
        assert await changed(unit, rename) == 0
    async with database.unit(TENANTS, tenant.id) as unit:
        assert await changed(unit, rename) == 1
    await database.close()
