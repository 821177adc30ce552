from datetime import timedelta

from insula.core.settings import Settings
from insula.jobs import Periodic
from tenants.invitations.jobs import INVITATIONS_KEPT, JOBS
from tests.support.apps import HANDLERS, PERIODIC
from tests.support.factories import Factories, TenantRow
from tests.support.waiting import until
from tests.support.worker import quick, working
from tests.tenants.support import Caller, Readback


class TestDeleteOldInvitations:
    async def test_deletes_old_ended_invitations_of_every_tenant(
        self, owner: Caller, tenant: TenantRow, make: Factories, readback: Readback, settings: Settings
    ) -> None:
        other = await make.tenant()
        long = INVITATIONS_KEPT / timedelta(days=1)
        for place in (tenant, other):
            await make.invitation(place, owner.user, to="long-ago@example.com", days=-long - 0.1)
            await make.invitation(place, owner.user, to="lately@example.com", days=-long + 0.1)

        async def kept() -> set[object]:
            rows = await readback("select email from invitation where tenant_id in (:a, :b)", a=tenant.id, b=other.id)
            return {row["email"] for row in rows}

        async def gone() -> bool:
            return await kept() == {"lately@example.com"}

        async with working(quick(settings), JOBS, [Periodic("tenants.forget_invitations", "* * * * * *")]):
            await until(gone)
        assert await kept() == {"lately@example.com"}

    def test_is_scheduled(self) -> None:
        assert JOBS.items() <= HANDLERS.items()
        assert {entry.task for entry in PERIODIC} >= set(JOBS)
