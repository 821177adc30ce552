from uuid import UUID

import pytest

from tests.example.calls import new_project
from tests.support.factories import Factories, TenantRow
from tests.tenants.conftest import Join
from tests.tenants.support import API, ROLES, WRITERS, Caller, Readback, code_of


class TestCreate:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_writers(self, join: Join, tenant: TenantRow, role: str, readback: Readback) -> None:
        answer = await (await join(tenant, role)).post("/projects", {"name": "Website"})
        rows = await readback("select name from project where tenant_id = :id", id=tenant.id)
        if role in WRITERS:
            assert answer.status_code == 201
            assert rows == [{"name": "Website"}]
        else:
            assert code_of(answer) == (403, "forbidden")
            assert rows == []

    async def test_returns_the_project_and_its_location(self, owner: Caller, readback: Readback) -> None:
        answer = await owner.post("/projects", {"name": "  Website ", "description": "New", "status": "archived"})
        made = answer.json()
        assert answer.status_code == 201
        assert answer.headers["location"] == f"{API}/projects/{made['id']}"
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
        rows = await readback("select tenant_id, name from project where id = :id", id=UUID(made["id"]))
        assert rows == [{"tenant_id": owner.home.id, "name": "Website"}]
        found = await owner.client.get(answer.headers["location"], headers=owner.token)
        assert found.json() == made

    async def test_refuses_a_name_that_exists_in_this_tenant(self, owner: Caller, stranger: Caller) -> None:
        await new_project(owner, "Website")
        assert code_of(await owner.post("/projects", {"name": "Website"})) == (409, "project_name_taken")
        assert (await stranger.post("/projects", {"name": "Website"})).status_code == 201

    async def test_refuses_more_than_the_plan_grants(self, make: Factories, join: Join) -> None:
        owner = await join(await make.tenant(plan="free"), "owner")
        for number in range(3):
            await new_project(owner, f"Project {number}")
        assert code_of(await owner.post("/projects", {"name": "One more"})) == (409, "quota_exceeded")

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
        answer = await owner.post("/projects", body)
        assert answer.status_code == 422
        assert [error["field"].split(".")[-1] for error in answer.json()["field_errors"]] == [field]
