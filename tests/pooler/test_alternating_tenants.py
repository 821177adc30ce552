"""Fault 9, behind a transaction pooler: all tenants' transactions run on the same server connection."""

import asyncio
import random
from collections.abc import Sequence
from uuid import UUID

import pytest
from sqlalchemy import bindparam, text
from sqlmodel import col, select

from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.engine.roles import GATE
from insula.db.models import Entitlement, Tenant
from insula.db.query.reading import Reading
from insula.tenancy import Directory, Listener
from tenants.database import TENANTS
from tests.support.factories import Factories, TenantRow
from tests.support.sql import changed, rows, setting
from tests.support.waiting import within

pytestmark = pytest.mark.pooler
ALL = Reading(Tenant, lambda: select(Tenant))
GRANTED = Reading(Entitlement, lambda: select(Entitlement).order_by(col(Entitlement.key)).limit(bindparam("limit")))
OWN = "SELECT id, pg_backend_pid() FROM tenant"


@pytest.fixture
async def tenants(make: Factories) -> list[TenantRow]:
    return [await make.tenant(entitlements={"a": 1}) for _ in range(3)]


async def in_a_transaction(database: Database, tenant_id: UUID | None) -> Sequence[UUID]:
    async with database.unit(TENANTS, tenant_id) as unit:
        found = await rows(unit, OWN)
        if tenant_id is not None:
            assert await changed(unit, "UPDATE tenant SET name = name") == 1
        return [UUID(str(row[0])) for row in found]


async def in_one_statement(database: Database, tenant_id: UUID | None) -> Sequence[UUID]:
    async with database.unit(TENANTS, tenant_id) as unit:
        return [tenant.id for tenant in await ALL.all(unit)]


async def in_another_statement(database: Database, tenant_id: UUID | None) -> Sequence[UUID]:
    async with database.unit(TENANTS, tenant_id) as unit:
        return [granted.tenant_id for granted in await GRANTED.all(unit, limit=1)]


async def test_session_state_is_shared_by_all_clients(pooled_database: Database, tenants: list[TenantRow]) -> None:
    """Another client sees a session-level SET. So the connection is shared, as the tests below require."""
    async with pooled_database.engine(TENANTS).connect() as one, pooled_database.engine(TENANTS).connect() as other:
        await one.execute(text(f"SET app.tenant_id = '{tenants[0].id}'"))
        await one.commit()
        found = (await other.execute(text("SELECT id FROM tenant"))).scalars().all()
        await other.execute(text("RESET app.tenant_id"))
        await other.commit()
    assert found == [tenants[0].id]


async def test_a_thousand_alternating_transactions_see_only_their_tenant(
    pooled_database: Database, tenants: list[TenantRow]
) -> None:
    backends, dice = set(), random.Random(9)  # noqa: S311  # repeatable, not secret
    for _ in range(500):
        tenant_id = dice.choice([None, *(tenant.id for tenant in tenants)])
        expected = [] if tenant_id is None else [tenant_id]
        assert await in_one_statement(pooled_database, tenant_id) == expected
        async with pooled_database.unit(TENANTS, tenant_id) as unit:
            backends.add((await rows(unit, "SELECT pg_backend_pid()"))[0][0])
            assert [row[0] for row in await rows(unit, "SELECT id FROM tenant")] == expected
    assert len(backends) == 1


async def test_concurrent_cancelled_and_tenantless_work_sees_no_other_tenant(
    pooled_database: Database, tenants: list[TenantRow]
) -> None:
    dice = random.Random(20261123)  # noqa: S311  # repeatable, not secret
    seen: list[tuple[UUID | None, Sequence[UUID]]] = []
    cancelled = 0

    async def work(tenant_id: UUID | None) -> None:
        look = dice.choice([in_a_transaction, in_one_statement, in_another_statement])
        seen.append((tenant_id, await look(pooled_database, tenant_id)))

    for _ in range(60):
        owners = [dice.choice([None, *(tenant.id for tenant in tenants)]) for _ in range(6)]
        tasks = [asyncio.create_task(work(owner)) for owner in owners]
        for task in tasks:
            if dice.random() < 0.3:
                asyncio.get_running_loop().call_later(dice.random() * 0.01, task.cancel)
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            assert outcome is None or isinstance(outcome, asyncio.CancelledError), repr(outcome)
            cancelled += outcome is not None
    assert [found for tenant_id, found in seen if list(found) != ([] if tenant_id is None else [tenant_id])] == []
    assert (len(seen) > 150, cancelled > 20) == (True, True)


async def test_the_tenant_is_set_again_after_a_commit(pooled_database: Database, tenants: list[TenantRow]) -> None:
    mine, other = tenants[:2]
    async with pooled_database.unit(TENANTS, mine.id) as unit:
        assert await setting(unit.session) == str(mine.id)
        await unit.commit()
        assert await in_a_transaction(pooled_database, other.id) == [other.id]
        assert await setting(unit.session) == str(mine.id)


async def test_notifications_bypass_the_pooler(
    through_pooler: Settings, pooled_database: Database, tenants: list[TenantRow]
) -> None:
    database = await Database.open(through_pooler, [GATE])
    directory = Directory(through_pooler, database)
    listener = Listener(through_pooler, directory)
    await listener.start()
    tenant = tenants[0]
    assert directory.listener_alive
    assert await directory.tenant_for_name(tenant.slug) == tenant.id

    async with pooled_database.unit(TENANTS, tenant.id) as unit:
        assert await changed(unit, "UPDATE tenant SET slug = slug || '-new'") == 1

    async def known() -> bool:
        return await directory.tenant_for_name(f"{tenant.slug}-new") == tenant.id

    await within(1, known)
    await listener.stop()
    await directory.close()
    await database.close()
