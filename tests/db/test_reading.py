"""Lean reads: the same rows as through the session, in one statement that sets its tenant before it scans."""

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import bindparam, text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col, select

from insula.core.errors import Unavailable
from insula.core.ids import new_id
from insula.core.settings import Settings
from insula.db.engine.failures import translate
from insula.db.engine.pools import Database
from insula.db.engine.unit import Unit
from insula.db.models import Entitlement, Tenant
from insula.db.query.reading import Reading
from tenants.database import TENANTS
from tests.support.factories import Factories, TenantRow
from tests.support.provider import Readback
from tests.support.sql import rows
from tests.support.waiting import until

BY_ID = Reading(Tenant, lambda: select(Tenant).where(col(Tenant.id) == bindparam("id")))
ALL = Reading(Tenant, lambda: select(Tenant))
GRANTED = Reading(
    Entitlement,
    lambda: (
        select(Entitlement)
        .where(col(Entitlement.key) >= bindparam("key"))
        .order_by(col(Entitlement.key).desc())
        .limit(bindparam("limit"))
    ),
)
FROM_B = Reading(
    Entitlement,
    lambda: (
        select(Entitlement).where(col(Entitlement.key) >= bindparam("key", "b")).order_by(col(Entitlement.key).asc())
    ),
)
DIVIDED = Reading(Tenant, lambda: select(Tenant).where(text("1 / CAST(:divisor AS integer) = 1")))
"""With the divisor 0 it fails while it runs, after the tenant is set."""
MADE = Reading(Tenant, lambda: select(Tenant).where(col(Tenant.created_at) < bindparam("moment")))


@pytest.fixture
async def mine(make: Factories) -> TenantRow:
    return await make.tenant(entitlements={"a": 1, "b": 2, "c": 3})


@pytest.fixture
async def theirs(make: Factories) -> TenantRow:
    return await make.tenant()


def lean(database: Database, tenant_id: UUID | None) -> Unit:
    return Unit(database.engine(TENANTS), tenant_id, lean_reads=True)


def ordinary(database: Database, tenant_id: UUID | None) -> Unit:
    return Unit(database.engine(TENANTS), tenant_id, lean_reads=False)


class TestEquivalence:
    async def test_one_row_is_the_same_in_every_field(self, database: Database, mine: TenantRow) -> None:
        async with lean(database, mine.id) as fast, ordinary(database, mine.id) as slow:
            found, expected = await BY_ID.one(fast, id=mine.id), await BY_ID.one(slow, id=mine.id)
        assert found is not None
        assert expected is not None
        assert found.model_dump() == expected.model_dump()
        assert {name: type(value) for name, value in found} == {name: type(value) for name, value in expected}

    async def test_order_and_limit_of_the_statement_apply(self, database: Database, mine: TenantRow) -> None:
        async with lean(database, mine.id) as fast, ordinary(database, mine.id) as slow:
            found = await GRANTED.all(fast, key="a", limit=2)
            expected = await GRANTED.all(slow, key="a", limit=2)
        assert [row.key for row in found] == [row.key for row in expected] == ["c", "b"]

    async def test_a_read_without_rows_returns_none(self, database: Database, mine: TenantRow) -> None:
        async with lean(database, mine.id) as unit:
            assert await BY_ID.one(unit, id=new_id()) is None
            assert await BY_ID.one(unit, id=mine.id) is not None

    async def test_no_transaction_is_opened(self, database: Database, mine: TenantRow) -> None:
        async with lean(database, mine.id) as unit:
            assert await BY_ID.one(unit, id=mine.id) is not None
            assert not unit.begun

    async def test_a_read_in_a_transaction_sees_uncommitted_rows(self, database: Database, mine: TenantRow) -> None:
        async with lean(database, mine.id) as unit:
            unit.session.add(Entitlement(tenant_id=mine.id, key="z", value=26))
            await unit.session.flush()
            assert [row.key for row in await GRANTED.all(unit, key="y", limit=5)] == ["z"]
            await unit.rollback()
            assert await GRANTED.all(unit, key="y", limit=5) == []


class TestTenant:
    async def test_a_read_does_not_return_another_tenants_row(
        self, database: Database, mine: TenantRow, theirs: TenantRow
    ) -> None:
        async with lean(database, mine.id) as unit:
            assert await BY_ID.one(unit, id=theirs.id) is None
            assert [row.id for row in await ALL.all(unit)] == [mine.id]
        async with lean(database, theirs.id) as unit:
            assert [row.id for row in await ALL.all(unit)] == [theirs.id]

    async def test_a_read_without_a_tenant_returns_no_row(self, database: Database, mine: TenantRow) -> None:
        async with lean(database, None) as unit:
            assert await ALL.all(unit) == []
            assert await BY_ID.one(unit, id=mine.id) is None

    async def test_no_tenant_is_left_on_the_connection(self, database: Database, mine: TenantRow) -> None:
        async with lean(database, mine.id) as unit:
            assert await ALL.all(unit) != []
        async with ordinary(database, None) as unit:
            assert await rows(unit, "SELECT coalesce(current_setting('app.tenant_id', true), '')") == [("",)]

    async def test_the_setting_runs_before_the_scan_in_every_plan(self, settings: Settings, mine: TenantRow) -> None:
        """With each join method and scan switched off in turn, and with a generic plan."""
        async with asyncio.timeout(60):
            switches = ["enable_nestloop", "enable_indexscan", "enable_bitmapscan", "enable_seqscan", "enable_material"]
            for off in [*switches, None]:
                database = await Database.open(settings, [TENANTS])
                engine = database.engine(TENANTS)
                pooled = await engine.raw_connection()
                driver = pooled.driver_connection
                assert driver is not None
                await driver.execute("SET plan_cache_mode = force_generic_plan")
                if off is not None:
                    await driver.execute(f"SET {off} = off")
                pooled.close()
                async with lean(database, mine.id) as unit:
                    for _ in range(7):
                        assert [row.id for row in await ALL.all(unit)] == [mine.id]
                        assert (await BY_ID.one(unit, id=mine.id)) is not None
                await database.close()

    async def test_alternating_cancelled_and_failing_reads_never_see_another_tenant(
        self, database: Database, make: Factories
    ) -> None:
        dice = random.Random(7)  # noqa: S311 - a repeatable test, no secret
        tenants = [await make.tenant(entitlements={"a": 1}) for _ in range(4)]
        seen = wrong = cancelled = 0

        async def read() -> None:
            nonlocal seen, wrong
            tenant = dice.choice([*tenants, None])
            async with lean(database, tenant.id if tenant else None) as unit:
                kind = dice.random()
                if kind < 0.1:
                    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, SQLAlchemyError)):
                        await BY_ID.one(unit, id="no uuid")
                    return
                if kind < 0.3 and tenant:
                    with pytest.raises(asyncpg.DivisionByZeroError):
                        await DIVIDED.all(unit, divisor=0)
                    return
                found = await ALL.all(unit)
                seen += 1
                wrong += [row.id for row in found] != ([tenant.id] if tenant else [])

        for _ in range(60):
            tasks = [asyncio.create_task(read()) for _ in range(10)]
            for task in tasks:
                if dice.random() < 0.3:
                    asyncio.get_running_loop().call_later(dice.random() * 0.004, task.cancel)
            results = await asyncio.gather(*tasks, return_exceptions=True)
            cancelled += sum(isinstance(result, asyncio.CancelledError) for result in results)
            assert [error for error in results if error and not isinstance(error, asyncio.CancelledError)] == []
        assert (wrong, seen > 200, cancelled > 20) == (0, True, True)


class TestParameters:
    @pytest.mark.parametrize("unit_of", [lean, ordinary])
    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({}, "missing: key, limit; unknown: none"),
            ({"key": "a"}, "missing: limit; unknown: none"),
            ({"key": "a", "limti": 1}, "missing: limit; unknown: limti"),
            ({"key": "a", "limit": 1, "offset": 0}, "missing: none; unknown: offset"),
        ],
    )
    async def test_an_unknown_parameter_is_an_error(
        self,
        database: Database,
        mine: TenantRow,
        unit_of: Callable[[Database, UUID], Unit],
        values: dict[str, object],
        message: str,
    ) -> None:
        async with unit_of(database, mine.id) as unit:
            with pytest.raises(TypeError, match=f"parameters key, limit; {message}"):
                await GRANTED.all(unit, **values)
            assert len(await GRANTED.all(unit, key="a", limit=1)) == 1

    @pytest.mark.parametrize("unit_of", [lean, ordinary])
    async def test_a_default_value_of_the_statement_can_be_overridden(
        self, database: Database, mine: TenantRow, unit_of: Callable[[Database, UUID], Unit]
    ) -> None:
        async with unit_of(database, mine.id) as unit:
            assert [row.key for row in await FROM_B.all(unit)] == ["b", "c"]
            assert [row.key for row in await FROM_B.all(unit, key="c")] == ["c"]
            with pytest.raises(TypeError, match="unknown: kye"):
                await FROM_B.all(unit, kye="c")


class TestFailures:
    async def test_a_failure_after_the_tenant_was_set_leaves_no_tenant(
        self, database: Database, mine: TenantRow
    ) -> None:
        async with lean(database, mine.id) as unit:
            assert [row.id for row in await DIVIDED.all(unit, divisor=1)] == [mine.id]
            for _ in range(20):
                with pytest.raises(asyncpg.DivisionByZeroError):
                    await DIVIDED.all(unit, divisor=0)
        for _ in range(20):
            async with lean(database, None) as unit:
                assert await ALL.all(unit) == []
        async with ordinary(database, None) as unit:
            assert await rows(unit, "SELECT coalesce(current_setting('app.tenant_id', true), '')") == [("",)]

    async def test_a_value_that_cannot_be_stored_is_not_translated(self, database: Database, mine: TenantRow) -> None:
        async with lean(database, mine.id) as unit:
            with pytest.raises(asyncpg.PostgresError) as caught:
                await GRANTED.all(unit, key="\0", limit=1)
            assert translate(caught.value) is None  # requests are checked before
            assert len(await GRANTED.all(unit, key="", limit=10)) == 3

    async def test_a_lost_connection_is_503_and_replaced(
        self, database: Database, mine: TenantRow, readback: Readback
    ) -> None:
        async with lean(database, mine.id) as unit:
            assert await ALL.all(unit) != []
            pooled = await database.engine(TENANTS).raw_connection()
            driver = pooled.driver_connection
            assert driver is not None
            busy = asyncio.ensure_future(driver.execute("SELECT pg_sleep(30)"))
            ended = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid = :pid AND state = 'active'"

            async def terminated() -> bool:
                return bool(await readback(ended, pid=driver.get_server_pid()))

            await until(terminated)
            with pytest.raises(asyncpg.PostgresError) as caught:
                await busy
            pooled.close()
            assert isinstance(translate(caught.value), Unavailable)
            assert await ALL.all(unit) != []

    async def test_a_read_survives_a_plan_outdated_by_a_migration(
        self, database: Database, mine: TenantRow, settings: Settings
    ) -> None:
        async with lean(database, mine.id) as unit:
            assert await MADE.all(unit, moment=datetime.max.replace(tzinfo=UTC)) != []
            owner = await asyncpg.connect(settings.database_url)
            try:
                await owner.execute("ALTER TABLE tenant ADD COLUMN later text")
                assert await MADE.all(unit, moment=datetime.max.replace(tzinfo=UTC)) != []
            finally:
                await owner.execute("ALTER TABLE tenant DROP COLUMN later")
                await owner.close()
            assert await MADE.all(unit, moment=datetime.max.replace(tzinfo=UTC)) != []
