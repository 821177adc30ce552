import asyncio
import random
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm.exc import StaleDataError
from sqlmodel import select

from insula.core.errors import PreconditionFailed
from insula.core.ids import new_id
from insula.core.settings import Settings
from insula.db.engine.connection import TenantConnection
from insula.db.engine.failures import translate
from insula.db.engine.pools import Database
from insula.db.models import Membership, Tenant
from tenants.database import TENANTS
from tests.support.factories import Factories
from tests.support.sql import changed, rows, setting


async def driver_of(connection: AsyncConnection) -> TenantConnection:
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, TenantConnection)
    return driver


async def left_on_a_connection(database: Database) -> object:
    """Return the tenant that is still set on the connection that was returned last."""
    async with database.engine(TENANTS).connect() as connection:
        return (await connection.exec_driver_sql("SELECT current_setting('app.tenant_id', true)")).scalar_one()


async def test_nothing_happens_until_the_session_is_used(database: Database) -> None:
    async with database.unit(TENANTS, new_id()) as unit:
        assert not unit.begun
    assert database.engine(TENANTS).pool.checkedin() == 0  # type: ignore[attr-defined]  # AsyncAdaptedQueuePool has it


async def test_unit_commits_on_success_and_rolls_back_on_error(make: Factories, database: Database) -> None:
    tenant = await make.tenant(name="Before")
    async with database.unit(TENANTS, tenant.id) as unit:
        (await unit.session.exec(select(Tenant))).one().name = "After"

    async def fail() -> None:
        async with database.unit(TENANTS, tenant.id) as unit:
            (await unit.session.exec(select(Tenant))).one().name = "Never"
            await unit.session.flush()
            raise RuntimeError("undo")

    with pytest.raises(RuntimeError, match="undo"):
        await fail()
    async with database.unit(TENANTS, tenant.id) as unit:
        kept = (await unit.session.exec(select(Tenant))).one()
    assert (kept.name, kept.version) == ("After", 2)


async def test_a_stale_version_is_a_failed_precondition(make: Factories, database: Database) -> None:
    tenant = await make.tenant()
    async with database.unit(TENANTS, tenant.id) as slow, database.unit(TENANTS, tenant.id) as quick:
        late = (await slow.session.exec(select(Tenant))).one()
        (await quick.session.exec(select(Tenant))).one().name = "Quick"
        await quick.commit()
        late.name = "Late"
        with pytest.raises(StaleDataError) as stale:
            await slow.commit()
        await slow.rollback()
    assert isinstance(translate(stale.value), PreconditionFailed)


async def test_entering_a_tenant_lasts_for_the_transaction(make: Factories, database: Database) -> None:
    user = await make.user()
    home, other = new_id(), new_id()
    async with database.unit(TENANTS, home) as unit:
        assert await setting(unit.session) == str(home)
        await unit.enter(other)
        unit.session.add(Tenant(id=other, slug=f"t-{other.hex}", name="Other"))
        await unit.session.flush()
        unit.session.add(Membership(tenant_id=other, user_id=user.id, role="owner", email=user.email, name=user.name))
        await unit.enter(home)  # first flushes pending rows for the previous tenant
        assert await rows(unit, "SELECT id FROM membership") == []
        await unit.enter(other)
        assert len(await rows(unit, "SELECT id FROM membership")) == 1
        await unit.commit()
        assert await setting(unit.session) == str(home)


async def test_a_tenant_is_left_at_the_end_of_its_transaction(make: Factories, database: Database) -> None:
    home, other = await make.tenant(), await make.tenant()
    unit = database.unit(TENANTS, home.id)
    for end in (unit.commit, unit.rollback):
        assert await setting(unit.session) == str(home.id)
        await unit.enter(other.id)
        assert await setting(unit.session) == str(other.id)
        await end()
        assert not await left_on_a_connection(database)
    assert await setting(unit.session) == str(home.id)
    await unit.close()


async def test_begin_sets_the_tenant_entered_before_the_first_statement(make: Factories, database: Database) -> None:
    tenant = await make.tenant()
    async with database.unit(TENANTS) as unit:
        await unit.enter(tenant.id)
        assert await setting(unit.session) == str(tenant.id)


async def test_begin_accepts_only_a_uuid_as_tenant(database: Database) -> None:
    unit = database.unit(TENANTS, "'; DROP TABLE tenant; --")  # type: ignore[arg-type]  # the attack
    with pytest.raises(TypeError, match="UUID"):
        await setting(unit.session)
    await unit.close()


async def test_an_unused_tenant_is_dropped(database: Database) -> None:
    unit = database.unit(TENANTS, new_id())
    _ = await unit.session.connection()
    await unit.close()
    assert not await left_on_a_connection(database)


async def test_a_transaction_has_the_tenant_and_the_next_one_on_its_connection_does_not(database: Database) -> None:
    tenant_id, found = new_id(), []
    async with database.engine(TENANTS).connect() as connection:
        driver = await driver_of(connection)
        for tenant in (tenant_id, None):
            await driver.begin(tenant)
            found.append(await driver.fetchval("SELECT current_setting('app.tenant_id', true)"))
            await driver.execute("ROLLBACK;")
            driver.leave()
    assert found == [str(tenant_id), ""]


async def test_a_connection_left_in_a_transaction_is_replaced(database: Database) -> None:
    async with database.engine(TENANTS).connect() as connection:
        driver = await driver_of(connection)
        await driver.execute(f"BEGIN; SET LOCAL app.tenant_id = '{new_id()}'")
    assert not await left_on_a_connection(database)
    async with database.engine(TENANTS).connect() as connection:
        assert (await driver_of(connection)).get_server_pid() != driver.get_server_pid()


async def test_cancelled_units_leave_no_tenant_behind(make: Factories, settings: Settings) -> None:
    tenants = [await make.tenant() for _ in range(3)]
    narrow = settings.model_copy(update={"database": settings.database.model_copy(update={"budget": 8})})
    database = await Database.open(narrow, [TENANTS])
    dice = random.Random(20261123)  # noqa: S311  # repeatable, not secret
    seen: list[tuple[UUID | None, list[UUID]]] = []

    async def work(tenant_id: UUID | None) -> None:
        async with database.unit(TENANTS, tenant_id) as unit:
            found = await rows(unit, "SELECT id FROM tenant")
            seen.append((tenant_id, [UUID(str(row[0])) for row in found]))
            if tenant_id is not None:
                await changed(unit, "UPDATE tenant SET name = name")

    for _ in range(150):
        owners = [dice.choice([None, *(tenant.id for tenant in tenants)]) for _ in range(4)]
        tasks = [asyncio.create_task(work(owner)) for owner in owners]
        for task in tasks:
            for _ in range(dice.randrange(12)):
                await asyncio.sleep(0)
            if dice.random() < 0.5:
                task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            assert outcome is None or isinstance(outcome, asyncio.CancelledError), repr(outcome)
    await database.close()
    assert len(seen) > 150
    assert all(found == ([] if tenant_id is None else [tenant_id]) for tenant_id, found in seen)


async def test_setting_the_tenant_needs_no_separate_message(make: Factories, database: Database) -> None:
    tenant = await make.tenant()
    sent: list[str] = []
    async with database.unit(TENANTS, tenant.id) as unit:
        await rows(unit, "SELECT 1")
        driver = (await (await unit.session.connection()).get_raw_connection()).driver_connection
        assert driver is not None
        driver.add_query_logger(lambda record: sent.append(record.query))
    async with database.unit(TENANTS, tenant.id) as unit:
        await rows(unit, "SELECT 1")
    # The driver logs only commands, not prepared statements; the last COMMIT may not be logged yet.
    assert sent[:2] == ["COMMIT;", f"BEGIN; SET LOCAL app.tenant_id = '{tenant.id}';"]
    assert set(sent[2:]) <= {"COMMIT;"}


async def test_a_commit_ends_the_savepoints_that_are_open(make: Factories, database: Database) -> None:
    tenant = await make.tenant(name="Before")
    async with database.unit(TENANTS, tenant.id) as unit:
        _ = await unit.session.begin_nested()
        (await unit.session.exec(select(Tenant))).one().name = "Within"
        _ = await unit.session.begin_nested()
        await unit.commit()
        assert not unit.begun
        (await unit.session.exec(select(Tenant))).one().name = "After"
    async with database.unit(TENANTS, tenant.id) as unit:
        kept = (await unit.session.exec(select(Tenant))).one()
    assert (kept.name, kept.version) == ("After", 3)
