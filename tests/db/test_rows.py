"""Rows written by the driver: the same as those that a session writes, with the setting on and off."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from sqlmodel import col, select

from insula.core import clock
from insula.core.ids import new_id
from insula.core.text.collation import sort_key
from insula.db.engine.pools import Database
from insula.db.engine.unit import Unit
from insula.db.query import rows
from tenants.database import TENANTS
from tests.probe.racks import queries
from tests.probe.racks.models import Rack
from tests.support.factories import Factories, TenantRow
from tests.support.provider import Readback

ALL = "SELECT * FROM rack WHERE tenant_id = :id ORDER BY name"


@pytest.fixture
async def tenant(make: Factories) -> TenantRow:
    return await make.tenant(entitlements={"racks": 10})


@pytest.fixture(params=[True, False], ids=["lean", "session"])
def unit(request: pytest.FixtureRequest, database: Database, tenant: TenantRow) -> Unit:
    return Unit(database.engine(TENANTS), tenant.id, lean_writes=request.param)


def rack(tenant: TenantRow, name: str, **fields: Any) -> Rack:
    return Rack(tenant_id=tenant.id, name=name, **fields)


def without(row: Mapping[str, object], *names: str) -> dict[str, object]:
    return {name: value for name, value in row.items() if name not in names}


class TestInsert:
    async def test_writes_the_same_row_as_a_session(
        self, unit: Unit, database: Database, tenant: TenantRow, readback: Readback
    ) -> None:
        async with unit:
            await rows.insert(unit, rack(tenant, "Ärger", description="Größe"))
        async with database.unit(TENANTS, tenant.id) as other:
            other.session.add(rack(tenant, "Ärger 2", description="Größe"))
        lean, flushed = await readback(ALL, id=tenant.id)
        own = ("id", "created_at", "updated_at", "name", "name_key")
        assert without(lean, *own) == without(flushed, *own)
        assert (lean["name_key"], lean["version"]) == (sort_key("Ärger"), 1)

    async def test_a_violated_constraint_raises_the_same_error_as_in_a_session(
        self, unit: Unit, tenant: TenantRow
    ) -> None:
        await rows.insert(unit, rack(tenant, "Temple"))
        with pytest.raises(IntegrityError, match="uq_rack_tenant_id_name"):
            await rows.insert(unit, rack(tenant, "Temple"))
        await unit.close()

    async def test_another_tenants_row_is_refused(self, unit: Unit, make: Factories, tenant: TenantRow) -> None:
        theirs = await make.tenant()
        with pytest.raises(Exception, match="row-level security"):
            await rows.insert(unit, rack(theirs, "Planted"))
        await unit.rollback()
        await rows.insert(unit, rack(tenant, "Mine"))
        await unit.close()


class TestSession:
    async def test_a_session_sets_the_sort_key_of_a_changed_name(
        self, database: Database, tenant: TenantRow, readback: Readback
    ) -> None:
        async with database.unit(TENANTS, tenant.id) as unit:
            unit.session.add(changed := rack(tenant, "Before"))
            await unit.session.flush()
            changed.name = "After"
        (kept,) = await readback(ALL, id=tenant.id)
        assert (kept["name"], kept["name_key"]) == ("After", sort_key("After"))


class TestUpdate:
    async def test_changes_a_copy_and_raises_the_version(
        self, unit: Unit, tenant: TenantRow, readback: Readback
    ) -> None:
        async with unit:
            await rows.insert(unit, made := rack(tenant, "Before"))
        with clock.moved(timedelta(hours=1)):
            async with unit:
                found = await queries.lock(unit, made.id)
                assert found is not None
                changed = await rows.update(unit, found, {"name": "After"})
        assert (found.name, found.version) == ("Before", 1)
        assert (changed.name, changed.version) == ("After", 2)
        assert changed.updated_at - made.updated_at >= timedelta(hours=1)
        (kept,) = await readback(ALL, id=tenant.id)
        assert {name: kept[name] for name in vars(changed)} == vars(changed)
        assert kept["name_key"] == sort_key("After")

    async def test_equal_values_change_nothing(self, unit: Unit, tenant: TenantRow, readback: Readback) -> None:
        async with unit:
            await rows.insert(unit, made := rack(tenant, "Temple"))
            found = await queries.lock(unit, made.id)
            assert found is not None
            assert await rows.update(unit, found, {"name": "Temple"}) is found
        assert [row["version"] for row in await readback(ALL, id=tenant.id)] == [1]

    @pytest.mark.parametrize("stale", ["version", "id"])
    async def test_a_row_that_has_changed_or_gone_is_stale(self, unit: Unit, tenant: TenantRow, stale: str) -> None:
        await rows.insert(unit, made := rack(tenant, "Temple"))
        vars(made)[stale] = 7 if stale == "version" else new_id()
        with pytest.raises(StaleDataError):
            await rows.update(unit, made, {"name": "Late"})
        with pytest.raises(StaleDataError):
            await rows.delete(unit, made)
        await unit.close()

    async def test_another_tenants_row_is_stale(self, unit: Unit, database: Database, make: Factories) -> None:
        theirs = await make.tenant()
        async with database.unit(TENANTS, theirs.id) as other:
            await rows.insert(other, made := rack(theirs, "Theirs"))
        with pytest.raises(StaleDataError):
            await rows.update(unit, made, {"name": "Taken"})
        await unit.close()
        async with database.unit(TENANTS, theirs.id) as other:
            assert (await rows.update(other, made, {"name": "Renamed"})).name == "Renamed"


class TestDelete:
    async def test_deletes_the_row(self, unit: Unit, tenant: TenantRow, readback: Readback) -> None:
        async with unit:
            await rows.insert(unit, made := rack(tenant, "Temple"))
            await rows.insert(unit, rack(tenant, "Forum"))
        async with unit:
            found = await queries.lock(unit, made.id)
            assert found is not None
            await rows.delete(unit, found)
        assert [row["name"] for row in await readback(ALL, id=tenant.id)] == ["Forum"]


class TestLocked:
    async def test_sees_rows_of_its_own_transaction(self, unit: Unit, tenant: TenantRow) -> None:
        await rows.insert(unit, made := rack(tenant, "Temple"))
        found = await queries.lock(unit, made.id)
        assert found is not None
        flushed = (await unit.session.exec(select(Rack).where(col(Rack.id) == made.id))).one()
        assert found.model_dump() == flushed.model_dump()
        await unit.close()

    async def test_another_tenants_row_is_not_found(self, unit: Unit, database: Database, make: Factories) -> None:
        theirs = await make.tenant()
        async with database.unit(TENANTS, theirs.id) as other:
            await rows.insert(other, made := rack(theirs, "Theirs"))
            assert await queries.lock(other, made.id) is not None
        assert await queries.lock(unit, made.id) is None
        await unit.close()


class TestCreate:
    async def test_fills_in_the_tenant_the_defaults_and_the_sort_key(
        self, unit: Unit, tenant: TenantRow, readback: Readback
    ) -> None:
        async with unit:
            created = await rows.create(unit, Rack, name="Ärger")
        (kept,) = await readback(ALL, id=tenant.id)
        assert {name: kept[name] for name in vars(created)} == vars(created)
        assert (created.tenant_id, created.status, created.name_key) == (tenant.id, "active", sort_key("Ärger"))

    async def test_creates_many_with_ids_of_their_own(self, unit: Unit, tenant: TenantRow, readback: Readback) -> None:
        async with unit:
            created = await rows.create_all(unit, Rack, [{"name": "A"}, {"name": "B"}])
        assert [row["id"] for row in await readback(ALL, id=tenant.id)] == [rack.id for rack in created]

    async def test_a_value_of_no_column_is_an_error(self, unit: Unit) -> None:
        with pytest.raises(TypeError, match="no column nmae"):
            await rows.create(unit, Rack, name="A", nmae="B")
        await rows.create(unit, Rack, name="A")
        await unit.close()
