"""An API key's own rate: set within the tenant's, shown, counted in addition to it, and removed."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.support.factories import Factories, TenantRow
from tests.support.waiting import until
from tests.tenants.api_keys.support import IMPORT, made, status_with
from tests.tenants.conftest import Hire, Join
from tests.tenants.support import API, Caller, Readback, code_of

OVER = 6_001


async def with_key(caller: Caller, issued: dict[str, Any]) -> httpx.Response:
    return await caller.client.get(f"{API}/racks", headers={"X-API-Key": issued["key"]})


class TestSet:
    async def test_is_possible_at_creation_and_shown_with_the_key(self, owner: Caller, readback: Readback) -> None:
        issued = await made(owner, requests_per_minute=600)
        plain = await made(owner)
        assert (issued["requests_per_minute"], plain["requests_per_minute"]) == (600, None)
        listed = (await owner.get("/api-keys", sort_by="created_at")).json()["items"]
        assert [key["requests_per_minute"] for key in listed] == [600, None]
        [stored] = await readback("select requests_per_minute from api_key where id = :id", id=UUID(issued["id"]))
        assert stored == {"requests_per_minute": 600}

    async def test_can_be_changed_and_removed_later(self, owner: Caller, readback: Readback) -> None:
        issued = await made(owner)
        path = f"/api-keys/{issued['id']}"
        for rate in (5, 6_000, None):
            assert (await owner.patch(path, {"requests_per_minute": rate})).json()["requests_per_minute"] == rate
            assert (await owner.get(path)).json()["requests_per_minute"] == rate
        assert (await owner.patch(path, {"name": "Other"})).json()["requests_per_minute"] is None
        events = await readback(
            "select after from audit_event where tenant_id = :id and action = 'api_key.updated' order by sequence",
            id=owner.home.id,
        )
        reported = [event["after"] for event in events]
        assert reported == [{"requests_per_minute": rate} for rate in (5, 6_000, None)] + [{"name": "Other"}]

    async def test_requires_a_permission_of_its_own(self, owner: Caller, hire: Hire) -> None:
        path = f"/api-keys/{(await made(owner))['id']}"
        namer = await hire("api_key:read", "api_key:update")
        limiter = await hire("api_key:read", "api_key:update", "api_key:limit")

        for body in (
            {"requests_per_minute": 1},
            {"requests_per_minute": None},
            {"name": "X", "requests_per_minute": 1},
        ):
            assert code_of(await namer.patch(path, body)) == (403, "forbidden")
        assert (await namer.patch(path, {"name": "Renamed"})).json()["name"] == "Renamed"
        assert (await limiter.patch(path, {"requests_per_minute": 1})).json()["requests_per_minute"] == 1

    async def test_above_the_tenants_rate_is_refused(self, owner: Caller, readback: Readback) -> None:
        issued = await made(owner, requests_per_minute=6_000)
        path = f"/api-keys/{issued['id']}"
        assert code_of(await owner.patch(path, {"requests_per_minute": OVER})) == (422, "rate_above_tenants")
        above = await owner.post("/api-keys", IMPORT | {"requests_per_minute": OVER})
        assert code_of(above) == (422, "rate_above_tenants")
        rows = await readback("select requests_per_minute from api_key where tenant_id = :id", id=owner.home.id)
        assert rows == [{"requests_per_minute": 6_000}]

    @pytest.mark.parametrize("rate", [0, -1, 1.5, "60", True, 2**63])
    async def test_with_an_invalid_number_is_refused(self, owner: Caller, rate: object) -> None:
        assert (await owner.post("/api-keys", IMPORT | {"requests_per_minute": rate})).status_code == 422
        assert (await owner.post("/api-keys", IMPORT | {"requests_per_minute": 1})).status_code == 201

    async def test_stays_after_a_rotation(self, owner: Caller) -> None:
        issued = await made(owner, requests_per_minute=600)
        rotated = await owner.post(f"/api-keys/{issued['id']}/rotate", {})
        assert rotated.json()["requests_per_minute"] == 600


class TestLimit:
    async def test_a_key_is_limited_by_its_rate_and_its_tenants(self, owner: Caller) -> None:
        slow, other = await made(owner, requests_per_minute=3), await made(owner)
        answers = [await with_key(owner, slow) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[0].headers["RateLimit-Policy"] == '"requests";q=6000;w=60, "key";q=3;w=60'
        assert [answer.headers["RateLimit"].rpartition(";t=")[0].split('"key";')[1] for answer in answers] == [
            "r=2",
            "r=1",
            "r=0",
            "r=0",
        ]
        assert code_of(answers[3]) == (429, "rate_limited")
        assert 0 < int(answers[3].headers["Retry-After"]) <= 61
        assert await status_with(owner, other["key"]) == 200
        assert (await owner.get("/racks")).status_code == 200

    async def test_a_key_cannot_exceed_its_tenants_rate(self, make: Factories, join: Join) -> None:
        tenant: TenantRow = await make.tenant(entitlements={"requests_per_minute": 10})
        owner = await join(tenant, "owner")
        issued = await made(owner, requests_per_minute=10)
        assert [await status_with(owner, issued["key"]) for _ in range(10)] == [200] * 9 + [429]

    async def test_a_changed_rate_applies_within_a_second(self, owner: Caller) -> None:
        issued = await made(owner)
        assert (await with_key(owner, issued)).headers["RateLimit-Policy"] == '"requests";q=6000;w=60'
        await owner.patch(f"/api-keys/{issued['id']}", {"requests_per_minute": 7})

        async def reported() -> bool:
            return (await with_key(owner, issued)).headers["RateLimit-Policy"].endswith('"key";q=7;w=60')

        await until(reported, seconds=1)
