import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import QueuePool
from sqlmodel import select

from admin.database import ADMIN
from insula.core.errors import Unavailable
from insula.core.settings import Settings
from insula.db.engine.failures import is_retryable, translate
from insula.db.engine.pools import Database, shares
from insula.db.engine.roles import GATE, IDENTITY
from insula.db.models import Tenant
from tenants.database import TENANTS
from tests.support.apps import DECLARED
from tests.support.factories import Factories
from tests.support.sql import changed, rows

Readback = Callable[..., Awaitable[list[dict[str, object]]]]


def _with(settings: Settings, **database: object) -> Settings:
    return settings.model_copy(update={"database": settings.database.model_copy(update=database)})


@pytest.mark.parametrize("budget", [8, 20, 100])
def test_all_pools_and_the_listener_fit_the_budget(budget: int) -> None:
    sizes = shares(budget, DECLARED.web_roles)
    assert set(sizes) == set(DECLARED.web_roles)
    assert min(sizes.values()) >= 1
    assert sum(sizes.values()) + 1 <= budget


def test_a_budget_below_one_connection_for_each_is_refused() -> None:
    with pytest.raises(ValueError, match="too small"):
        shares(4, DECLARED.web_roles)


async def test_each_pool_logs_in_as_its_role(database: Database) -> None:
    for role in DECLARED.web_roles:
        async with database.unit(role) as unit:
            assert await rows(unit, "SELECT session_user::text, current_setting('search_path')") == [
                (role, "public, pg_temp")
            ]


async def test_an_exhausted_pool_is_unavailable(settings: Settings) -> None:
    database = await Database.open(_with(settings, budget=8, pool_timeout=0.2), DECLARED.web_roles)
    holders = [database.unit(GATE) for _ in range(shares(8, DECLARED.web_roles)[GATE])]
    for unit in holders:
        await rows(unit, "SELECT 1")
    one_more = database.unit(GATE)
    with pytest.raises(PoolTimeoutError) as full:
        await rows(one_more, "SELECT 1")
    assert isinstance(translate(full.value), Unavailable)
    for unit in holders:
        await unit.close()
    assert await rows(one_more, "SELECT 1") == [(1,)]
    await one_more.close()
    await database.close()


async def test_connections_that_died_in_the_pool_are_replaced(database: Database, readback: Readback) -> None:
    async with database.unit(TENANTS) as unit:
        [(backend,)] = await rows(unit, "SELECT pg_backend_pid()")
    await readback("SELECT pg_terminate_backend(:pid, 5000)", pid=backend)
    async with database.unit(TENANTS) as unit:
        [(after,)] = await rows(unit, "SELECT pg_backend_pid()")
    assert after != backend


async def test_a_backend_terminated_in_a_transaction_is_unavailable_once(
    database: Database, readback: Readback
) -> None:
    unit = database.unit(TENANTS)
    [(backend,)] = await rows(unit, "SELECT pg_backend_pid()")
    await readback("SELECT pg_terminate_backend(:pid, 5000)", pid=backend)
    with pytest.raises(DBAPIError) as lost:
        await rows(unit, "SELECT 1")
    assert isinstance(translate(lost.value), Unavailable)
    await unit.close()
    async with database.unit(TENANTS) as again:
        assert await rows(again, "SELECT 1") == [(1,)]


async def test_a_commit_that_fails_is_unavailable(make: Factories, database: Database, readback: Readback) -> None:
    tenant = await make.tenant(name="Before")
    unit = database.unit(TENANTS, tenant.id)
    [(backend,)] = await rows(unit, "SELECT pg_backend_pid()")
    await changed(unit, "UPDATE tenant SET name = 'Lost'")
    await readback("SELECT pg_terminate_backend(:pid, 5000)", pid=backend)
    with pytest.raises(Unavailable):
        await unit.commit()
    await unit.close()
    async with database.unit(TENANTS, tenant.id) as unit:
        assert (await unit.session.exec(select(Tenant.name))).one() == "Before"


@pytest.mark.parametrize("host_and_port", ["127.0.0.1:1", "nowhere.invalid:5432"], ids=["refuses", "has no address"])
async def test_a_server_that_is_down_is_unavailable(settings: Settings, host_and_port: str) -> None:
    away = settings.model_copy(update={"database_url": f"postgresql://nobody:x@{host_and_port}/nowhere"})
    database = await Database.open(away, DECLARED.web_roles)
    assert await database.unavailable_roles()
    unit = database.unit(TENANTS)
    with pytest.raises(ConnectionError) as refused:
        await rows(unit, "SELECT 1")
    assert isinstance(translate(refused.value), Unavailable)
    await unit.close()
    await database.close()


async def test_warm_pools_have_a_connection_each(database: Database) -> None:
    await database.warm()
    pools = [database.engine(role).sync_engine.pool for role in DECLARED.web_roles]
    assert [pool.checkedin() for pool in pools if isinstance(pool, QueuePool)] == [1] * len(DECLARED.web_roles)


async def test_warming_does_not_wait_for_a_server_that_is_down(settings: Settings) -> None:
    away = settings.model_copy(update={"database_url": "postgresql://127.0.0.1:1/nothing"})
    database = await Database.open(away, DECLARED.web_roles)
    await database.warm()
    assert await database.unavailable_roles()
    await database.close()


async def test_a_server_that_answers_is_alive(database: Database) -> None:
    assert await database.unavailable_roles() == {}


@pytest.mark.parametrize(
    "value", ["a\x00b", "a\ud800b", 2**63, 10**4000, "not a number"], ids=["NUL", "surrogate", "2^63", "huge", "text"]
)
async def test_a_value_that_cannot_be_stored_is_not_translated(value: object, database: Database) -> None:
    kind = "bigint" if isinstance(value, int) or value == "not a number" else "text"
    unit = database.unit(TENANTS)
    with pytest.raises(DBAPIError) as refused:
        await rows(unit, f"SELECT CAST(:value AS {kind})", value=value)
    await unit.close()
    assert translate(refused.value) is None  # requests are checked before


async def test_a_deadlock_can_be_retried(make: Factories, database: Database) -> None:
    first, second = await make.tenant(), await make.tenant()
    met = asyncio.Barrier(2)

    async def cross(order: list[object]) -> None:
        async with database.unit(ADMIN) as unit:
            await changed(unit, "UPDATE tenant SET status = 'active' WHERE id = :id", id=order[0])
            await met.wait()
            await changed(unit, "UPDATE tenant SET status = 'active' WHERE id = :id", id=order[1])

    outcomes = await asyncio.gather(cross([first.id, second.id]), cross([second.id, first.id]), return_exceptions=True)
    failed = [outcome for outcome in outcomes if outcome is not None]
    assert len(failed) == 1
    assert is_retryable(failed[0])
    assert isinstance(translate(failed[0]), Unavailable)


async def test_a_migration_while_serving_costs_one_retry(settings: Settings, readback: Readback) -> None:
    database = await Database.open(settings, [IDENTITY])
    await readback("CREATE TABLE shifting (a int)")
    await readback("GRANT SELECT ON shifting TO insula_identity")
    try:
        for _ in range(2):
            async with database.unit(IDENTITY) as unit:
                assert await rows(unit, "SELECT * FROM shifting") == []
        await readback("ALTER TABLE shifting ADD COLUMN b text")
        unit = database.unit(IDENTITY)
        with pytest.raises(DBAPIError) as stale:
            await rows(unit, "SELECT * FROM shifting")
        await unit.close()
        assert is_retryable(stale.value)
        async with database.unit(IDENTITY) as unit:
            assert await rows(unit, "SELECT * FROM shifting") == []
    finally:
        await readback("DROP TABLE shifting")
        await database.close()


async def test_no_prepared_statement_is_kept_behind_a_pooler(make: Factories, settings: Settings) -> None:
    tenant = await make.tenant()
    database = await Database.open(_with(settings, pooler=True), DECLARED.web_roles)
    for _ in range(3):
        async with database.unit(TENANTS, tenant.id) as unit:
            assert len(await rows(unit, "SELECT id FROM tenant")) == 1
            assert await rows(unit, "SELECT name FROM pg_prepared_statements WHERE name <> ''") == []
    await database.close()
