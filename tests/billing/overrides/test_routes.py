"""Staff override the entitlements of a tenant's plan."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from billing import api
from billing.database import BILLING
from insula.core import clock
from insula.core.ids import TenantId, new_id
from insula.db.engine.pools import Database
from tests.billing.overrides.support import TERMS, Granted, acts_on, path
from tests.support.app import SignIn
from tests.support.factories import PLANS, Factories, TenantRow
from tests.support.provider import Readback
from tests.support.staff import Caller, Hire, code_of
from tests.support.waiting import until


@pytest.fixture
async def tenant(make: Factories) -> TenantRow:
    return await make.tenant()


class TestPut:
    async def test_an_override_replaces_the_plans_amount_within_a_second_in_every_process(
        self,
        superuser: Caller,
        other_process: httpx.AsyncClient,
        client: httpx.AsyncClient,
        make: Factories,
        sign_in: SignIn,
        tenant: TenantRow,
        granted: Granted,
    ) -> None:
        owner = await sign_in(await make.member(tenant, role="owner"), tenant)

        async def seen(process: httpx.AsyncClient) -> object:
            answer = await process.get("/api/v2/tenant", headers=owner)
            return answer.json()["plan"]["entitlements"]["racks"]

        assert [await seen(process) for process in (client, other_process)] == [3, 3]

        answer = await superuser.send("PUT", path(tenant), TERMS)

        assert (answer.status_code, answer.json()["value"], answer.json()["expires_at"]) == (201, 7, None)
        assert await granted(tenant) == {**PLANS["free"], "racks": 7}
        for process in (client, other_process):

            async def arrived(process: httpx.AsyncClient = process) -> bool:
                return await seen(process) == 7

            await until(arrived, seconds=1)

    async def test_the_quota_follows_the_override(
        self, superuser: Caller, client: httpx.AsyncClient, make: Factories, sign_in: SignIn, tenant: TenantRow
    ) -> None:
        owner = await sign_in(await make.member(tenant, role="owner"), tenant)

        async def create() -> int:
            answer = await client.post("/api/v1/racks", json={"name": new_id().hex}, headers=owner)
            return answer.status_code

        assert [await create() for _ in range(4)] == [201, 201, 201, 409]

        await superuser.send("PUT", path(tenant), {**TERMS, "value": 4})

        async def created() -> bool:
            return await create() == 201

        await until(created, seconds=1)
        assert await create() == 409

    async def test_another_override_replaces_it_and_both_are_recorded(
        self, superuser: Caller, tenant: TenantRow, granted: Granted, readback: Readback
    ) -> None:
        ends = (clock.now() + timedelta(days=3)).isoformat()

        first = await superuser.send("PUT", path(tenant), TERMS)
        second = await superuser.send("PUT", path(tenant), {"value": 9, "reason": "More", "expires_at": ends})

        assert [answer.status_code for answer in (first, second)] == [201, 200]
        assert await granted(tenant) == {**PLANS["free"], "racks": 9}
        made, changed = await acts_on(readback, tenant)
        assert (made["action"], made["actor_kind"], made["actor_id"]) == (
            "entitlement_override.set",
            "staff",
            superuser.user.id,
        )
        assert (made["object_id"], made["before"]) == ("racks", None)
        assert changed["before"] == {"value": 7, "reason": "Agreed on the phone", "expires_at": None}

    async def test_an_override_survives_changes_of_plan_and_the_rest_follows_the_plan(
        self, superuser: Caller, database: Database, tenant: TenantRow, granted: Granted
    ) -> None:
        await superuser.send("PUT", path(tenant), TERMS)
        for plan in ("pro", "free"):
            async with database.unit(BILLING, tenant.id) as unit:
                await api.apply_plan(unit.session, TenantId(tenant.id), plan)

            assert await granted(tenant) == {**PLANS[plan], "racks": 7}

    async def test_ten_concurrent_overrides_leave_one(
        self, superuser: Caller, tenant: TenantRow, granted: Granted, readback: Readback
    ) -> None:
        puts = [superuser.send("PUT", path(tenant), {**TERMS, "value": 10 + number}) for number in range(10)]
        answers = await asyncio.gather(*puts)

        assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
        rows = await readback("select value from entitlement_override where tenant_id = :id", id=tenant.id)
        assert len(rows) == 1
        assert (await granted(tenant))["racks"] == rows[0]["value"]

    @pytest.mark.parametrize(
        ("key", "body", "problem"),
        [
            ("platinum", TERMS, (404, "entitlement_unknown")),
            ("Racks", TERMS, (422, "invalid_request")),
            ("racks", {**TERMS, "value": -1}, (422, "invalid_request")),
            ("racks", {**TERMS, "value": "7"}, (422, "invalid_request")),
            ("racks", {**TERMS, "value": 10**13}, (422, "invalid_request")),
            ("racks", {**TERMS, "reason": " "}, (422, "invalid_request")),
            ("racks", {"value": 7}, (422, "invalid_request")),
            ("racks", {**TERMS, "expires_at": "2036-01-01T00:00:00"}, (422, "invalid_request")),
            ("racks", {**TERMS, "expires_at": "2020-01-01T00:00:00Z"}, (422, "invalid_value")),
        ],
        ids=str,
    )
    async def test_an_invalid_override_is_refused(
        self,
        superuser: Caller,
        tenant: TenantRow,
        granted: Granted,
        key: str,
        body: dict[str, object],
        problem: tuple[int, str],
    ) -> None:
        assert code_of(await superuser.send("PUT", path(tenant, key), body)) == problem
        assert await granted(tenant) == PLANS["free"]

    async def test_an_unknown_tenant_is_not_found(self, superuser: Caller) -> None:
        nowhere = TenantRow(id=new_id(), slug="x", name="x")
        for method, body in (("PUT", TERMS), ("DELETE", None)):
            assert code_of(await superuser.send(method, path(nowhere), body)) == (404, "not_found")
        assert code_of(await superuser.get(f"/tenants/{nowhere.id}/overrides")) == (404, "not_found")


class TestListAndLift:
    async def test_all_staff_see_overrides_and_only_a_superuser_changes_them(
        self, hire: Hire, superuser: Caller, make: Factories, tenant: TenantRow
    ) -> None:
        other = await make.tenant()
        for place, key in ((tenant, "racks"), (tenant, "books"), (other, "seats")):
            await superuser.send("PUT", path(place, key), TERMS)
        for role in ("superuser", "support", "auditor"):
            found = (await (await hire(role)).get(f"/tenants/{tenant.id}/overrides")).json()
            assert [override["key"] for override in found["items"]] == ["books", "racks"]
        for role in ("support", "auditor"):
            for method, body in (("PUT", TERMS), ("DELETE", None)):
                refused = await (await hire(role)).send(method, path(tenant), body)
                assert code_of(refused) == (403, "forbidden")

    async def test_after_a_lifted_override_the_plan_counts_again(
        self, superuser: Caller, tenant: TenantRow, granted: Granted, readback: Readback
    ) -> None:
        await superuser.send("PUT", path(tenant), TERMS)

        lifted = await superuser.send("DELETE", path(tenant))

        assert lifted.status_code == 204
        assert await granted(tenant) == PLANS["free"]
        assert code_of(await superuser.send("DELETE", path(tenant))) == (404, "override_missing")
        assert [act["action"] for act in await acts_on(readback, tenant)] == [
            "entitlement_override.set",
            "entitlement_override.lifted",
        ]
