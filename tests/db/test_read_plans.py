"""A read is planned before its tenant is there; it takes its own index all the same, and walks through no tenant."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from insula.db.connection import TenantConnection
from insula.db.pools import Database
from insula.db.roles import DatabaseRole, role_url
from insula.settings import Settings
from tenants.queries import items
from tenants.schemas.items import ItemList
from tests.support.factories import Factories
from tests.tenants.support import Readback

Sent = tuple[Any, ...]
PROJECTS = """
    INSERT INTO project (tenant_id, id, name, description, status, created_at, updated_at, version)
    SELECT :tenant_id, gen_random_uuid(), 'Project ' || number, '', 'active', now(), now(), 1
    FROM generate_series(1, 30) AS number RETURNING id
"""
ITEMS = """
    INSERT INTO project_item
        (tenant_id, id, project_id, title, body, status, position, created_at, updated_at, version)
    SELECT tenant_id, gen_random_uuid(), id, 'Item ' || number, '', 'open', number, now(), now(), 1
    FROM project CROSS JOIN generate_series(1, 100) AS number WHERE tenant_id = :tenant_id
"""


@pytest.fixture
async def reads(
    database: Database, make: Factories, readback: Readback, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Sent]:
    """Return the statements of a read and of a page, as they were sent, of a tenant that has many items."""
    tenant = await make.tenant("pro")
    project_id = UUID(str((await readback(PROJECTS, tenant_id=tenant.id))[0]["id"]))
    await readback(ITEMS, tenant_id=tenant.id)
    await readback("ANALYZE project_item")
    ran: list[Sent] = []
    fetch = TenantConnection.fetch

    async def noted(self: TenantConnection, query: str, *arguments: object) -> object:
        ran.append((query, *arguments))
        return await fetch(self, query, *arguments)

    monkeypatch.setattr(TenantConnection, "fetch", noted)
    async with database.unit(DatabaseRole.TENANTS, tenant.id) as unit:
        page = await items.page(unit, project_id, ItemList())
        assert len(page.rows) == 20
        assert await items.find(unit, project_id, page.rows[0].id) == page.rows[0]
    assert len(ran) == 2
    return {"page": ran[0], "one": ran[1]}


@pytest.mark.parametrize("mode", ["force_generic_plan", "force_custom_plan"])
@pytest.mark.parametrize(("read", "by"), [("one", "id"), ("page", "project_id")])
async def test_finds_its_rows_by_its_own_index(
    reads: dict[str, Sent], settings: Settings, read: str, by: str, mode: str
) -> None:
    statement, *arguments = reads[read]
    given = ", ".join(f"'{argument}'" for argument in arguments)
    connection = await asyncpg.connect(role_url(settings, DatabaseRole.TENANTS))  # no tenant is set, as when it plans
    try:
        await connection.execute(f"SET plan_cache_mode = {mode}")
        await connection.execute(f"PREPARE read AS {statement}")
        plan = [row[0] for row in await connection.fetch(f"EXPLAIN EXECUTE read({given})")]
    finally:
        await connection.close()
    [condition] = [line for line in plan if "Index Cond" in line]
    assert f"({by} = " in condition  # by the tenant alone, it would look at each of its rows
    assert any("current_setting('app.tenant_id'" in line for line in plan)  # and row-level security asks for its own
