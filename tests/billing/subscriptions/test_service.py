import pytest

from billing import api
from billing.database import BILLING
from billing.subscriptions.service import start_on
from insula.core.errors import PlanUnknown
from insula.core.ids import TenantId, new_id
from insula.db.engine.pools import Database
from insula.db.models import FREE
from tenants.database import TENANTS
from tests.support.factories import PLANS, Factories
from tests.support.provider import Readback

_SUBSCRIPTIONS = "select plan_key, status, provider_subscription_id from subscription where tenant_id = :id"
_ENTITLEMENTS = "select key, value from entitlement where tenant_id = :id"


async def entitlements_of(readback: Readback, tenant_id: object) -> dict[object, object]:
    return {row["key"]: row["value"] for row in await readback(_ENTITLEMENTS, id=tenant_id)}


class TestStartOn:
    async def test_a_new_tenant_gets_a_subscription_and_the_free_entitlements(
        self, database: Database, make: Factories, readback: Readback
    ) -> None:
        tenant = await make.tenant(entitlements={})

        async with database.unit(TENANTS, tenant.id) as unit:
            await start_on(unit.session, TenantId(tenant.id), FREE)

        assert await readback(_SUBSCRIPTIONS, id=tenant.id) == [
            {"plan_key": "free", "status": "active", "provider_subscription_id": None}
        ]
        assert await entitlements_of(readback, tenant.id) == PLANS["free"]

    async def test_the_tenants_database_role_cannot_grant_twice(
        self, database: Database, make: Factories, readback: Readback
    ) -> None:
        tenant = await make.tenant(entitlements={"requests_per_minute": 7})

        with pytest.raises(Exception, match="pk_entitlement"):
            async with database.unit(TENANTS, tenant.id) as unit:
                await start_on(unit.session, TenantId(tenant.id), FREE)

        assert await entitlements_of(readback, tenant.id) == {"requests_per_minute": 7}
        assert await readback(_SUBSCRIPTIONS, id=tenant.id) == []


class TestApplyPlan:
    async def test_a_granted_plan_replaces_plan_and_entitlements(
        self, database: Database, make: Factories, readback: Readback
    ) -> None:
        tenant = await make.tenant(entitlements={"requests_per_minute": 60, "left_over": 1})

        for key in ("pro", "free", "pro"):
            async with database.unit(BILLING, tenant.id) as unit:
                await api.apply_plan(unit.session, TenantId(tenant.id), key)

            assert await entitlements_of(readback, tenant.id) == PLANS[key]
            assert await readback("select plan from tenant where id = :id", id=tenant.id) == [{"plan": key}]
        assert len(await readback(_SUBSCRIPTIONS, id=tenant.id)) == 1

    async def test_an_unknown_plan_changes_nothing(
        self, database: Database, make: Factories, readback: Readback
    ) -> None:
        tenant = await make.tenant()

        with pytest.raises(PlanUnknown):
            async with database.unit(BILLING, tenant.id) as unit:
                await api.apply_plan(unit.session, TenantId(tenant.id), "platinum")

        assert await entitlements_of(readback, tenant.id) == PLANS["free"]

    async def test_another_tenants_plan_cannot_be_changed(
        self, database: Database, make: Factories, readback: Readback
    ) -> None:
        mine, theirs = await make.tenant(), await make.tenant()

        with pytest.raises(Exception, match="No row was found"):
            async with database.unit(BILLING, mine.id) as unit:
                await api.apply_plan(unit.session, TenantId(theirs.id), "pro")
        async with database.unit(BILLING, mine.id) as unit:
            await api.apply_plan(unit.session, TenantId(mine.id), "pro")

        assert await entitlements_of(readback, theirs.id) == PLANS["free"]
        assert await entitlements_of(readback, mine.id) == PLANS["pro"]


async def test_the_plans_of_the_migration_are_those_of_the_factories(readback: Readback) -> None:
    plans = await readback("select key, entitlements from plan where active")
    assert {row["key"]: row["entitlements"] for row in plans} == PLANS


async def test_an_unknown_tenant_has_nothing(database: Database) -> None:
    with pytest.raises(Exception, match="No row was found"):
        async with database.unit(BILLING, new_id()) as unit:
            await api.apply_plan(unit.session, TenantId(new_id()), "pro")
