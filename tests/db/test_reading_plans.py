"""A row by its id is read from the index on the id, though it is planned before the tenant is set."""

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from insula.db.reading import Reading
from insula.db.roles import DatabaseRole, role_url
from insula.ids import new_id
from insula.settings import Settings
from tenants.models import Project, ProjectItem
from tenants.queries import items, projects
from tests.support.factories import Factories

Readback = Callable[..., Awaitable[list[dict[str, object]]]]
MANY = 300


@pytest.fixture
async def full(make: Factories, readback: Readback) -> None:
    """Fill the tables with tenants of whom each has many rows, and let the planner know."""
    for _ in range(3):
        tenant = await make.tenant()
        made = [Project(tenant_id=tenant.id, name=f"Project {number}") for number in range(MANY)]
        await make.insert(*made)
        await make.insert(
            *(ProjectItem(tenant_id=tenant.id, project_id=made[0].id, title="Item", position=n) for n in range(MANY))
        )
    await readback("ANALYZE project")
    await readback("ANALYZE project_item")


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize(
    ("reading", "key"),
    [(projects._ONE, "pk_project"), (items._ONE, "pk_project_item")],  # noqa: SLF001 - the products' own
)
async def test_the_key_serves(settings: Settings, reading: Reading[Any], key: str) -> None:
    connection = await asyncpg.connect(role_url(settings, DatabaseRole.TENANTS))  # no tenant is set, as when it plans
    lean = reading._lean  # noqa: SLF001 - likewise
    given = ", ".join([f"'{new_id()}'"] * (len(lean.parameters) + 1))
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    await connection.execute(f"PREPARE reading AS {lean.sql}")
    plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN EXECUTE reading({given})"))
    await connection.close()
    assert f"Index Scan using {key} on" in plan
    assert "Index Cond: ((tenant_id = (NULLIF($" in plan
    assert "AND (id = $" in plan
    assert "current_setting('app.tenant_id'" in plan  # and row-level security still asks for its own
