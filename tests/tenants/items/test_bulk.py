from uuid import UUID

import pytest

from insula.ids import new_id
from tests.support.factories import Factories, TenantRow
from tests.tenants.conftest import Join
from tests.tenants.support import ROLES, WRITERS, Caller, code_of, sameness


class TestCreateMany:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_those_who_write(self, owner: Caller, join: Join, tenant: TenantRow, role: str) -> None:
        project = await owner.project()
        answer = await (await join(tenant, role)).post(f"{project}/items/bulk", {"items": [{"title": "x"}]})
        assert answer.status_code == (201 if role in WRITERS else 403)

    async def test_makes_a_thousand_in_order_in_one_statement(self, owner: Caller, statements: list[str]) -> None:
        items = f"{await owner.project()}/items"
        titles = [f"Item {number:04}" for number in range(1_000)]
        statements.clear()
        answer = await owner.post(f"{items}/bulk", {"items": [{"title": title} for title in titles]})
        assert answer.status_code == 201, answer.text
        assert len([statement for statement in statements if "INTO project_item" in statement]) == 1
        assert len(statements) == 3  # the insert, the counter, the audit log
        found = await owner.walk(items, limit=100, sort_by="title")
        assert [item["title"] for item in found] == titles
        assert [item["id"] for item in found] == answer.json()["ids"]

    @pytest.mark.parametrize("count", [0, 1_001])
    async def test_refuses_none_and_too_many(self, owner: Caller, count: int) -> None:
        items = f"{await owner.project()}/items"
        answer = await owner.post(f"{items}/bulk", {"items": [{"title": "x"}] * count})
        assert answer.status_code == 422
        assert await owner.walk(items, limit=10) == []

    async def test_with_one_bad_element_makes_none_and_names_it(self, owner: Caller) -> None:
        items = f"{await owner.project()}/items"
        answer = await owner.post(f"{items}/bulk", {"items": [{"title": "a"}, {"title": ""}, {"title": "c"}]})
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["field_errors"]] == ["items.1.title"]
        assert await owner.walk(items, limit=10) == []

    async def test_past_the_quota_makes_none(self, make: Factories, join: Join) -> None:
        tenant = await make.tenant(entitlements={"requests_per_minute": 600, "projects": 1, "items": 3})
        owner = await join(tenant, "owner")
        items = f"{await owner.project()}/items"
        answer = await owner.post(f"{items}/bulk", {"items": [{"title": "x"}] * 4})
        assert code_of(answer) == (409, "quota_exceeded")
        assert await owner.walk(items, limit=10) == []
        assert (await owner.post(f"{items}/bulk", {"items": [{"title": "x"}] * 3})).status_code == 201

    async def test_in_another_tenants_project_is_that_of_nowhere(self, owner: Caller, stranger: Caller) -> None:
        project = await owner.project()
        body = {"items": [{"title": "Planted"}]}
        foreign = await stranger.post(f"{project}/items/bulk", body)
        nowhere = await stranger.post(f"/projects/{new_id()}/items/bulk", body)
        assert code_of(foreign) == (404, "not_found")
        assert sameness(foreign) == sameness(nowhere)
        assert await owner.walk(f"{project}/items", limit=10) == []


def _id(path: str) -> UUID:
    return UUID(path.rpartition("/")[2])
