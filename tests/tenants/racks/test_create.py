from uuid import UUID

import anyio
import httpx
import pytest

from tests.support.factories import Factories
from tests.support.waiting import answers
from tests.tenants.conftest import Join
from tests.tenants.support import API, Caller, Readback, code_of


class TestCreate:
    async def test_returns_the_rack_and_its_location(self, owner: Caller, readback: Readback) -> None:
        answer = await owner.post("/racks", {"name": "  Website ", "description": "New", "status": "archived"})
        made = answer.json()
        assert answer.status_code == 201
        assert answer.headers["location"] == f"{API}/racks/{made['id']}"
        assert answer.headers["etag"] == '"1"'
        assert {**made, "id": None, "created_at": None, "updated_at": None} == {
            "id": None,
            "name": "Website",
            "description": "New",
            "status": "archived",
            "created_at": None,
            "updated_at": None,
            "version": 1,
        }
        rows = await readback("select tenant_id, name from rack where id = :id", id=UUID(made["id"]))
        assert rows == [{"tenant_id": owner.home.id, "name": "Website"}]
        found = await owner.client.get(answer.headers["location"], headers=owner.token)
        assert found.json() == made

    async def test_refuses_a_name_that_exists_in_this_tenant(self, owner: Caller, stranger: Caller) -> None:
        await owner.rack("Website")
        assert code_of(await owner.post("/racks", {"name": "Website"})) == (409, "rack_name_taken")
        assert (await stranger.post("/racks", {"name": "Website"})).status_code == 201

    async def test_refuses_more_than_the_plan_grants(self, make: Factories, join: Join) -> None:
        owner = await join(await make.tenant(plan="free"), "owner")
        for number in range(3):
            await owner.rack(f"Rack {number}")
        assert code_of(await owner.post("/racks", {"name": "One more"})) == (409, "quota_exceeded")

    async def test_concurrent_creations_stay_within_the_quota(
        self, make: Factories, join: Join, readback: Readback
    ) -> None:
        tenant = await make.tenant(plan="free")
        owner = await join(tenant, "owner")
        statuses: list[int] = []

        async def create(number: int) -> None:
            statuses.append((await owner.post("/racks", {"name": f"Rack {number}"})).status_code)

        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(create, number)
        assert sorted(statuses) == [201] * 3 + [409] * 17
        assert await readback("select count(*) from rack where tenant_id = :id", id=tenant.id) == [{"count": 3}]

    async def test_quota_follows_the_plan_as_it_changes(self, make: Factories, join: Join, readback: Readback) -> None:
        tenant = await make.tenant(entitlements={"requests_per_minute": 6_000, "racks": 1})
        owner = await join(tenant, "owner")
        await owner.rack()
        assert code_of(await owner.post("/racks", {"name": "Second"})) == (409, "quota_exceeded")

        statement = "update entitlement set value = 2 where tenant_id = :id and key = 'racks'"
        await readback(statement, id=tenant.id)
        await answers(201, lambda: owner.post("/racks", {"name": "Second"}))

    async def test_a_plan_without_the_quota_grants_none(self, make: Factories, join: Join) -> None:
        owner = await join(await make.tenant(entitlements={"requests_per_minute": 600}), "owner")
        assert code_of(await owner.post("/racks", {"name": "Website"})) == (409, "quota_exceeded")

    async def test_concurrent_requests_with_one_key_have_one_effect(self, owner: Caller) -> None:
        made: list[httpx.Response] = []

        async def create() -> None:
            made.append(await owner.post("/racks", {"name": "Website"}, idempotency_key="k1"))

        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(create)
        bodies = {answer.content for answer in made if answer.status_code == 201}
        assert {code_of(answer) for answer in made if answer.status_code != 201} <= {(409, "idempotency_key_in_flight")}
        assert len(bodies) == 1
        assert len(await owner.walk("/racks", limit=10)) == 1

    async def test_repeated_with_one_key_has_one_effect(self, owner: Caller, readback: Readback) -> None:
        body = {"name": "Website"}
        first = await owner.post("/racks", body, idempotency_key="k1")
        again = await owner.post("/racks", body, idempotency_key="k1")
        assert (first.status_code, again.status_code) == (201, 201)
        assert again.content == first.content
        assert again.headers["location"] == first.headers["location"]
        assert len(await readback("select id from rack where tenant_id = :id", id=owner.home.id)) == 1

    async def test_refuses_a_key_used_with_another_body(self, owner: Caller) -> None:
        await owner.post("/racks", {"name": "Website"}, idempotency_key="k1")
        answer = await owner.post("/racks", {"name": "Shop"}, idempotency_key="k1")
        assert code_of(answer) == (422, "idempotency_key_reused")

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "name"),
            ({"name": ""}, "name"),
            ({"name": "   "}, "name"),
            ({"name": "x" * 121}, "name"),
            ({"name": "two\nlines"}, "name"),
            ({"name": 7}, "name"),
            ({"name": "x", "description": "x" * 2_001}, "description"),
            ({"name": "x", "status": "deleted"}, "status"),
            ({"name": "x", "status": None}, "status"),
        ],
    )
    async def test_refuses_invalid_values(self, owner: Caller, body: object, field: str) -> None:
        answer = await owner.post("/racks", body)
        assert answer.status_code == 422
        assert [error["field"].split(".")[-1] for error in answer.json()["field_errors"]] == [field]
