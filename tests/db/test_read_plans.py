"""A read is planned before its tenant is set; it still uses the right index, and does not scan the whole tenant."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from insula.core.settings import Settings
from insula.db.engine.connection import TenantConnection
from insula.db.engine.pools import Database
from insula.db.engine.roles import role_url
from tenants.database import TENANTS
from tests.probe.books import queries as books
from tests.probe.books.schemas import BookList
from tests.support.factories import Factories
from tests.tenants.support import Readback

Sent = tuple[Any, ...]
RACKS = """
    INSERT INTO rack (tenant_id, id, name, description, status, created_at, updated_at, version)
    SELECT :tenant_id, gen_random_uuid(), 'Rack ' || number, '', 'active', now(), now(), 1
    FROM generate_series(1, 30) AS number RETURNING id
"""
ITEMS = """
    INSERT INTO book
        (tenant_id, id, rack_id, title, body, status, position, created_at, updated_at, version)
    SELECT tenant_id, gen_random_uuid(), id, 'Item ' || number, '', 'open', number, now(), now(), 1
    FROM rack CROSS JOIN generate_series(1, 100) AS number WHERE tenant_id = :tenant_id
"""


ITEMS_OF_ONE_RACK = """
    INSERT INTO book
        (tenant_id, id, rack_id, title, body, status, position, created_at, updated_at, version)
    SELECT tenant_id, gen_random_uuid(), id, 'Item ' || number, '', 'open', number, now(), now(), 1
    FROM rack CROSS JOIN generate_series(1, 4000) AS number WHERE tenant_id = :tenant_id LIMIT 4000
"""


def sent_statements(monkeypatch: pytest.MonkeyPatch) -> list[Sent]:
    """Return a list that collects every statement of a ``Reading`` as it is sent."""
    ran: list[Sent] = []
    fetch = TenantConnection.fetch

    async def noted(self: TenantConnection, query: str, *arguments: object) -> object:
        ran.append((query, *arguments))
        return await fetch(self, query, *arguments)

    monkeypatch.setattr(TenantConnection, "fetch", noted)
    return ran


async def planned(settings: Settings, sent: Sent, mode: str) -> list[str]:
    """Return a statement's plan on a connection without a tenant, which is how PostgreSQL plans it."""
    statement, *arguments = sent
    given = ", ".join(f"'{argument}'" for argument in arguments)
    connection = await asyncpg.connect(role_url(settings, TENANTS))
    try:
        await connection.execute(f"SET plan_cache_mode = {mode}")
        await connection.execute(f"PREPARE read AS {statement}")
        return [row[0] for row in await connection.fetch(f"EXPLAIN EXECUTE read({given})")]
    finally:
        await connection.close()


@pytest.fixture
async def reads(
    database: Database, make: Factories, readback: Readback, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Sent]:
    """Return the sent statements of a read and of a page, for a tenant with many books."""
    tenant = await make.tenant("pro")
    rack_id = UUID(str((await readback(RACKS, tenant_id=tenant.id))[0]["id"]))
    await readback(ITEMS, tenant_id=tenant.id)
    await readback("ANALYZE book")
    ran = sent_statements(monkeypatch)
    async with database.unit(TENANTS, tenant.id) as unit:
        page = await books.page(unit, rack_id, BookList())
        assert len(page.rows) == 20
        assert await books.find(unit, rack_id, page.rows[0].id) == page.rows[0]
    assert len(ran) == 2
    return {"page": ran[0], "one": ran[1]}


@pytest.mark.parametrize("mode", ["force_generic_plan", "force_custom_plan"])
@pytest.mark.parametrize(("read", "by"), [("one", "id"), ("page", "rack_id")])
async def test_a_read_uses_its_index(reads: dict[str, Sent], settings: Settings, read: str, by: str, mode: str) -> None:
    plan = await planned(settings, reads[read], mode)
    [condition] = [line for line in plan if "Index Cond" in line]
    assert f"({by} = " in condition  # with the tenant alone it would read all of the tenant's rows
    assert any("current_setting('app.tenant_id'" in line for line in plan)  # and row-level security applies


async def test_a_large_rack_among_small_ones_is_not_scanned(
    database: Database, make: Factories, readback: Readback, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(20):
        small = await make.tenant("pro")
        await readback(RACKS, tenant_id=small.id)
        await readback(ITEMS.replace("(1, 100)", "(1, 3)"), tenant_id=small.id)
    tenant = await make.tenant("pro")
    rack_id = UUID(str((await readback(RACKS.replace("30", "1"), tenant_id=tenant.id))[0]["id"]))
    await readback(ITEMS_OF_ONE_RACK, tenant_id=tenant.id)
    await readback("ANALYZE book")
    ran = sent_statements(monkeypatch)
    async with database.unit(TENANTS, tenant.id) as unit:
        page = await books.page(unit, rack_id, BookList())
        assert await books.find(unit, rack_id, page.rows[-1].id) == page.rows[-1]
    plan = await planned(settings, ran[-1], "force_generic_plan")
    [condition] = [line for line in plan if "Index Cond" in line]
    assert "(id = " in condition
    assert "rack_id" not in condition
