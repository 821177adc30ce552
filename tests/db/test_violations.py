import pytest
from sqlalchemy.exc import IntegrityError

from insula.db.engine.pools import Database
from insula.db.query.violations import violations_as
from tenants.database import TENANTS
from tests.probe.racks.errors import RackNameTaken
from tests.probe.racks.models import Rack, RackStatus
from tests.support.factories import Factories, TenantRow

NAMED = {"uq_rack_tenant_id_name": RackNameTaken}


@pytest.fixture
async def tenant(make: Factories) -> TenantRow:
    return await make.tenant()


async def write_twice(database: Database, tenant: TenantRow, status: RackStatus) -> None:
    """Flush two racks with the same name inside ``violations_as``."""
    async with database.unit(TENANTS, tenant.id) as unit:
        with violations_as(unit, NAMED):
            for _ in range(2):
                unit.session.add(Rack(tenant_id=tenant.id, name="Website", status=status))
                await unit.session.flush()


class TestAnswering:
    async def test_raises_the_error_that_is_named_for_the_constraint(
        self, database: Database, tenant: TenantRow
    ) -> None:
        with pytest.raises(RackNameTaken):
            await write_twice(database, tenant, "active")

    async def test_lets_other_violations_through(self, database: Database, tenant: TenantRow) -> None:
        with pytest.raises(IntegrityError, match="ck_rack_status"):
            await write_twice(database, tenant, "gone")  # type: ignore[arg-type]  # what the database must refuse

    async def test_changes_nothing_without_a_violation(self, database: Database, tenant: TenantRow) -> None:
        async with database.unit(TENANTS, tenant.id) as unit:
            with violations_as(unit, NAMED):
                unit.session.add(Rack(tenant_id=tenant.id, name="Website"))
                await unit.session.flush()
