"""Fault 9: two tenants alternate on one pooled connection a thousand times."""

from uuid import UUID

from sqlalchemy import text

from insula.db.engine.pools import Database
from tenants.database import TENANTS
from tests.support.factories import Factories
from tests.support.sql import rows


async def test_a_shared_connection_shows_no_row_of_the_other_tenant(make: Factories, database: Database) -> None:
    tenants = [await make.tenant(), await make.tenant()]
    members = {tenant.id: (await make.member(tenant)).id for tenant in tenants}
    backends = set()
    for turn in range(1000):
        mine = tenants[turn % 2].id
        async with database.unit(TENANTS, mine) as unit:
            found = await rows(unit, "SELECT tenant_id, user_id, pg_backend_pid() FROM membership")
        backends.add(found[0][2])
        assert [(UUID(str(row[0])), UUID(str(row[1]))) for row in found] == [(mine, members[mine])]
    assert len(backends) == 1, "all turns must share one connection"


async def test_no_setting_outlives_its_transaction(make: Factories, database: Database) -> None:
    tenant = await make.tenant()
    async with database.unit(TENANTS, tenant.id) as unit:
        assert len(await rows(unit, "SELECT id FROM tenant")) == 1
    async with database.engine(TENANTS).connect() as connection:
        setting = (await connection.execute(text("SELECT current_setting('app.tenant_id', true)"))).scalar_one()
        found = (await connection.execute(text("SELECT id FROM tenant"))).all()
    assert not setting
    assert found == []
