"""The unit's transaction: run on the driver, joined by the session, ended by the unit alone."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from insula.core.errors import NotFound, Unavailable
from insula.core.ids import new_id
from insula.db.engine.connection import TransactionEnded
from insula.db.engine.failures import translate
from insula.db.engine.pools import Database
from insula.db.engine.roles import GATE
from insula.db.engine.transaction import NotCommitted
from insula.db.engine.unit import Unit
from insula.db.models import Tenant
from insula.db.query import rows
from tenants.database import TENANTS
from tests.probe.racks.models import Rack
from tests.support.factories import Factories, TenantRow
from tests.support.provider import Readback
from tests.support.waiting import until

RACKS = "SELECT name FROM rack WHERE tenant_id = :id ORDER BY name"
SLOW_COMMIT = """
CREATE FUNCTION sleep_at_commit() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN IF NEW.name = ''Slow'' THEN PERFORM pg_sleep(30); END IF; RETURN NULL; END'
"""


@pytest.fixture
async def tenant(make: Factories) -> TenantRow:
    return await make.tenant(entitlements={"racks": 10})


async def is_there(readback: Readback, condition: str, pid: int, *, there: bool = True) -> bool:
    """Return whether a backend that meets ``condition`` exists, or, without ``there``, does not."""
    found = await readback(f"SELECT 1 FROM pg_stat_activity WHERE {condition}", pid=pid)  # noqa: S608 - written here
    return bool(found) is there


def rack(tenant: TenantRow, name: str) -> Rack:
    return Rack(tenant_id=tenant.id, name=name)


class TestJoining:
    async def test_session_and_driver_share_one_transaction(
        self, database: Database, tenant: TenantRow, readback: Readback
    ) -> None:
        async with database.unit(TENANTS, tenant.id) as unit:
            await rows.insert(unit, rack(tenant, "By the driver"))
            unit.session.add(rack(tenant, "By the session"))
            found = await unit.session.exec(select(Rack.name).order_by(Rack.name))
            assert list(found) == ["By the driver", "By the session"]
            assert await readback(RACKS, id=tenant.id) == []
        assert [row["name"] for row in await readback(RACKS, id=tenant.id)] == ["By the driver", "By the session"]

    async def test_a_statement_of_the_driver_sees_the_sessions_pending_changes(
        self, database: Database, tenant: TenantRow
    ) -> None:
        async with database.unit(TENANTS, tenant.id) as unit:
            unit.session.add(rack(tenant, "Temple"))
            with pytest.raises(IntegrityError, match="uq_rack_tenant_id_name"):
                await rows.insert(unit, rack(tenant, "Temple"))
            await unit.rollback()

    async def test_a_rollback_undoes_both(self, database: Database, tenant: TenantRow, readback: Readback) -> None:
        unit = database.unit(TENANTS, tenant.id)
        await rows.insert(unit, rack(tenant, "By the driver"))
        unit.session.add(rack(tenant, "By the session"))
        await unit.session.flush()
        await unit.rollback()
        await rows.insert(unit, rack(tenant, "After"))
        await unit.commit()
        await unit.close()
        assert [row["name"] for row in await readback(RACKS, id=tenant.id)] == ["After"]

    async def test_a_savepoint_undoes_a_statement_of_the_driver(
        self, database: Database, tenant: TenantRow, readback: Readback
    ) -> None:
        async with database.unit(TENANTS, tenant.id) as unit:
            await rows.insert(unit, rack(tenant, "Before"))
            savepoint = await unit.session.begin_nested()
            await rows.insert(unit, rack(tenant, "Within"))
            with pytest.raises(IntegrityError):
                await rows.insert(unit, rack(tenant, "Before"))
            await savepoint.rollback()
            await rows.insert(unit, rack(tenant, "After"))
        assert [row["name"] for row in await readback(RACKS, id=tenant.id)] == ["After", "Before"]
        counted = await readback("SELECT used FROM tenant_usage WHERE tenant_id = :id", id=tenant.id)
        assert [row["used"] for row in counted] == [2]

    async def test_the_session_alone_cannot_commit(self, database: Database, tenant: TenantRow) -> None:
        async with database.unit(TENANTS, tenant.id) as unit:
            unit.session.add(rack(tenant, "Temple"))
            await unit.session.flush()
            with pytest.raises(RuntimeError, match="commit the unit"):
                await unit.session.commit()
            await unit.rollback()

    async def test_a_unit_without_transactions_gives_the_driver_none(self, database: Database) -> None:
        async with database.unit(GATE) as unit:
            assert (await unit.session.exec(text("SELECT 1"))).scalar_one() == 1  # type: ignore[call-overload]  # plain SQL
            with pytest.raises(TypeError, match="transactions of their own"):
                await unit.transaction()


class TestEnding:
    async def test_a_commit_after_a_failed_statement_raises(
        self, database: Database, tenant: TenantRow, readback: Readback
    ) -> None:
        unit = database.unit(TENANTS, tenant.id)
        await rows.insert(unit, rack(tenant, "Temple"))
        with pytest.raises(IntegrityError):
            await rows.insert(unit, rack(tenant, "Temple"))
        with pytest.raises(NotCommitted):
            await unit.commit()
        await unit.close()
        assert await readback(RACKS, id=tenant.id) == []

    async def test_no_statement_runs_after_the_transaction_has_ended(
        self, database: Database, tenant: TenantRow, readback: Readback
    ) -> None:
        unit = database.unit(TENANTS, tenant.id)
        await rows.insert(unit, rack(tenant, "Temple"))
        transaction = await unit.transaction()
        await transaction.driver.execute("ROLLBACK;")
        with pytest.raises(TransactionEnded):
            await transaction.fetch("INSERT INTO tenant_slug DEFAULT VALUES", [])
        with pytest.raises(TransactionEnded):
            await unit.commit()
        await unit.close()
        async with database.unit(TENANTS, tenant.id) as next_unit:
            await rows.insert(next_unit, rack(tenant, "Temple"))
        assert [row["name"] for row in await readback(RACKS, id=tenant.id)] == ["Temple"]

    async def test_a_connection_that_was_lost_is_unavailable(self, database: Database, tenant: TenantRow) -> None:
        unit = database.unit(TENANTS, tenant.id)
        await rows.insert(unit, rack(tenant, "Temple"))
        (await unit.transaction()).driver.terminate()
        with pytest.raises(ConnectionError) as lost:
            await rows.insert(unit, rack(tenant, "Forum"))
        assert isinstance(translate(lost.value), Unavailable)
        await unit.close()

    async def test_a_connection_lost_at_commit_is_unavailable(self, database: Database, tenant: TenantRow) -> None:
        unit = database.unit(TENANTS, tenant.id)
        await rows.insert(unit, rack(tenant, "Temple"))
        (await unit.transaction()).driver.terminate()
        with pytest.raises(Unavailable):
            await unit.commit()
        await unit.close()

    async def test_a_commit_that_is_cut_off_gives_its_connection_up(
        self, database: Database, make: Factories, readback: Readback
    ) -> None:
        tenant = await make.tenant()
        trigger = "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON rack INITIALLY DEFERRED FOR EACH ROW"
        await readback(SLOW_COMMIT)
        await readback(f"{trigger} EXECUTE FUNCTION sleep_at_commit()")
        try:
            unit = database.unit(TENANTS, tenant.id)
            await rows.insert(unit, rack(tenant, "Slow"))
            driver = (await unit.transaction()).driver
            backend = driver.get_server_pid()
            committing = asyncio.create_task(unit.commit())
            await until(partial(is_there, readback, "pid = :pid AND wait_event = 'PgSleep'", backend))
            committing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await committing
            await unit.close()
            assert driver.is_closed()
            await until(partial(is_there, readback, "pid = :pid", backend, there=False))
        finally:
            await readback("DROP TRIGGER slow ON rack")
            await readback("DROP FUNCTION sleep_at_commit()")


class TestCommitting:
    async def test_a_constraint_that_is_checked_at_commit_keeps_its_error(
        self, database: Database, tenant: TenantRow
    ) -> None:
        unit = database.unit(TENANTS, tenant.id)
        await rows.insert(unit, rack(tenant, "Temple"))
        unit.set_at_commit("granted_racks", f"{tenant.id}:0")
        unit.refuse({"quota_racks": NotFound})
        with pytest.raises(NotFound, match="0"):
            await unit.commit()
        await unit.close()

    @pytest.mark.parametrize(("name", "value"), [("granted'; --", "1"), ("granted", "1'; DROP TABLE rack; --")])
    async def test_sql_in_a_setting_at_commit_is_refused(self, database: Database, name: str, value: str) -> None:
        unit = database.unit(TENANTS, new_id())
        with pytest.raises(ValueError, match="no setting"):
            unit.set_at_commit(name, value)
        unit.set_at_commit("granted_racks", f"{new_id()}:1")

    @pytest.mark.parametrize("end", [Unit.commit, Unit.rollback])
    async def test_settings_at_commit_end_with_their_transaction(
        self, database: Database, tenant: TenantRow, end: Callable[[Unit], Awaitable[None]]
    ) -> None:
        async with database.unit(TENANTS, tenant.id) as unit:
            await unit.session.exec(select(Tenant))
            unit.set_at_commit("granted_racks", f"{tenant.id}:0")
            await end(unit)
            await rows.insert(unit, rack(tenant, "Temple"))


class TestReturning:
    @pytest.mark.parametrize("end", [Unit.commit, Unit.rollback, Unit.close])
    @pytest.mark.parametrize("nested", [False, True])
    async def test_a_connection_that_a_session_used_is_used_again(
        self,
        database: Database,
        tenant: TenantRow,
        caplog: pytest.LogCaptureFixture,
        end: Callable[[Unit], Awaitable[None]],
        *,
        nested: bool,
    ) -> None:
        backends = []
        for _ in range(2):
            unit = database.unit(TENANTS, tenant.id)
            await unit.session.exec(select(Tenant))
            if nested:
                _ = await unit.session.begin_nested()
                await unit.session.exec(select(Tenant))
            backends.append((await unit.transaction()).driver.get_server_pid())
            await end(unit)
            await unit.close()
        assert backends[0] == backends[1]
        assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []
