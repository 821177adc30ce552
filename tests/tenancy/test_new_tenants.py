"""The apps' hooks for a new tenant run in order; without plans, only the free plan is known."""

from typing import cast

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from insula.core.errors import PlanUnknown
from insula.core.ids import TenantId, new_tenant_id
from insula.db.models import FREE
from insula.tenancy import NewTenants, OnNewTenant

SESSION = cast("AsyncSession", object())  # only passed on


def noting(name: str, noted: list[tuple[object, ...]]) -> OnNewTenant:
    async def note(session: AsyncSession, tenant_id: TenantId, plan: str) -> None:
        noted.append((name, session, tenant_id, plan))

    return note


async def test_every_app_is_called_in_order_with_the_session_the_tenant_and_its_plan() -> None:
    noted: list[tuple[object, ...]] = []
    hooks, tenant = (noting("first", noted), noting("second", noted)), new_tenant_id()

    await NewTenants(hooks, with_plans=True).begin(SESSION, tenant, "gold")

    assert noted == [("first", SESSION, tenant, "gold"), ("second", SESSION, tenant, "gold")]


async def test_without_plans_only_the_free_plan_is_known() -> None:
    noted: list[tuple[object, ...]] = []
    for nobody in (NewTenants(), NewTenants((noting("first", noted),))):
        await nobody.begin(SESSION, new_tenant_id(), FREE)
        for plan in ("gold", "", "Free"):
            with pytest.raises(PlanUnknown):
                await nobody.begin(SESSION, new_tenant_id(), plan)
    assert len(noted) == 1
