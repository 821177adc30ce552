import pytest
from sqlalchemy.exc import IntegrityError

from insula.db.pools import Database
from insula.db.violations import answering
from tenants.database import TENANTS
from tenants.projects.errors import ProjectNameTaken
from tenants.projects.models import Project, ProjectStatus
from tests.support.factories import Factories, TenantRow

NAMED = {"uq_project_tenant_id_name": ProjectNameTaken}


@pytest.fixture
async def tenant(make: Factories) -> TenantRow:
    return await make.tenant()


async def write_twice(database: Database, tenant: TenantRow, status: ProjectStatus) -> None:
    """Flush two projects of one name inside ``answering``."""
    async with database.unit(TENANTS, tenant.id) as unit:
        with answering(NAMED):
            for _ in range(2):
                unit.session.add(Project(tenant_id=tenant.id, name="Website", status=status))
                await unit.session.flush()


class TestAnswering:
    async def test_raises_the_error_that_is_named_for_the_constraint(
        self, database: Database, tenant: TenantRow
    ) -> None:
        with pytest.raises(ProjectNameTaken):
            await write_twice(database, tenant, "active")

    async def test_lets_other_violations_through(self, database: Database, tenant: TenantRow) -> None:
        with pytest.raises(IntegrityError, match="ck_project_status"):
            await write_twice(database, tenant, "gone")  # type: ignore[arg-type]  # what the database must refuse

    async def test_changes_nothing_without_a_violation(self, database: Database, tenant: TenantRow) -> None:
        async with database.unit(TENANTS, tenant.id) as unit:
            with answering(NAMED):
                unit.session.add(Project(tenant_id=tenant.id, name="Website"))
                await unit.session.flush()
