"""Overrides expire by themselves."""

import asyncio
from datetime import timedelta

import pytest

from billing import api
from billing.database import BILLING
from billing.overrides.jobs import JOBS
from billing.overrides.service import expire_overrides
from insula.core import clock
from insula.core.ids import TenantId
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.jobs import Periodic
from tests.billing.overrides.support import TERMS, Granted, acts_on, path
from tests.support.apps import HANDLERS, PERIODIC
from tests.support.factories import PLANS, Factories, TenantRow
from tests.support.provider import Readback
from tests.support.staff import Caller
from tests.support.waiting import until
from tests.support.worker import quick, working


@pytest.fixture
async def tenant(make: Factories) -> TenantRow:
    return await make.tenant()


class TestExpiry:
    async def test_expired_overrides_are_lifted_once_and_others_stay(
        self, superuser: Caller, worker: Database, tenant: TenantRow, granted: Granted, readback: Readback
    ) -> None:
        ends = (clock.now() + timedelta(days=3)).isoformat()
        await superuser.send("PUT", path(tenant), {**TERMS, "expires_at": ends})
        await superuser.send("PUT", path(tenant, "books"), {**TERMS, "expires_at": ends})
        await expire_overrides(worker)
        assert await granted(tenant) == {**PLANS["free"], "racks": 7, "books": 7}
        await readback(
            "update entitlement_override set expires_at = now() where tenant_id = :id and key = 'racks'",
            id=tenant.id,
        )

        await asyncio.gather(*(expire_overrides(worker) for _ in range(3)))

        assert await granted(tenant) == {**PLANS["free"], "books": 7}
        last = (await acts_on(readback, tenant))[2:]
        assert [(act["action"], act["actor_kind"], act["object_id"]) for act in last] == [
            ("entitlement_override.expired", "system", "racks")
        ]

    async def test_an_expired_override_is_ignored_when_the_plan_changes(
        self, superuser: Caller, database: Database, tenant: TenantRow, granted: Granted, readback: Readback
    ) -> None:
        await superuser.send("PUT", path(tenant), TERMS)
        await readback("update entitlement_override set expires_at = now() where tenant_id = :id", id=tenant.id)

        async with database.unit(BILLING, tenant.id) as unit:
            await api.apply_plan(unit.session, TenantId(tenant.id), "pro")

        assert await granted(tenant) == PLANS["pro"]

    async def test_the_scheduled_task_lifts_expired_overrides(
        self, superuser: Caller, settings: Settings, tenant: TenantRow, granted: Granted, readback: Readback
    ) -> None:
        await superuser.send("PUT", path(tenant), TERMS)
        await readback("update entitlement_override set expires_at = now() where tenant_id = :id", id=tenant.id)

        async def lifted() -> bool:
            return await granted(tenant) == PLANS["free"]

        assert not await lifted()
        async with working(quick(settings), JOBS, [Periodic("billing.expire_overrides", "* * * * * *")]):
            await until(lifted, seconds=10)

    def test_the_task_is_scheduled_each_minute(self) -> None:
        assert JOBS.items() <= HANDLERS.items()
        assert Periodic("billing.expire_overrides", "* * * * *") in PERIODIC
