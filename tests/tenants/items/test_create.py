from uuid import UUID

import pytest

from insula.core.ids import new_id
from tests.example.calls import new_project
from tests.support.factories import TenantRow
from tests.tenants.conftest import Join
from tests.tenants.support import API, ROLES, WRITERS, Caller, Readback, code_of, membership_of, sameness


class TestCreate:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_writers(self, owner: Caller, join: Join, tenant: TenantRow, role: str) -> None:
        project = await new_project(owner)
        answer = await (await join(tenant, role)).post(f"{project}/items", {"title": "Front page"})
        there = [item["title"] for item in await owner.walk(f"{project}/items", limit=10)]
        if role in WRITERS:
            assert (answer.status_code, there) == (201, ["Front page"])
        else:
            assert (code_of(answer), there) == ((403, "forbidden"), [])

    async def test_returns_the_item_and_its_location(self, owner: Caller, readback: Readback) -> None:
        project = await new_project(owner)
        assignee = await membership_of(readback, owner)
        body = {"title": "Front page", "body": "Two\nlines", "status": "done", "position": 7, "assignee_id": assignee}
        answer = await owner.post(f"{project}/items", body)
        made = answer.json()
        assert answer.status_code == 201
        assert answer.headers["location"] == f"{API}{project}/items/{made['id']}"
        assert answer.headers["etag"] == '"1"'
        assert {name: made[name] for name in body} == body
        assert made["project_id"] == project.removeprefix("/projects/")
        found = await owner.client.get(answer.headers["location"], headers=owner.token)
        assert found.json() == made

    async def test_in_another_tenants_project_gets_the_answer_of_an_unknown_one(
        self, owner: Caller, stranger: Caller, readback: Readback
    ) -> None:
        project = await new_project(owner)
        body = {"title": "Planted"}
        foreign = await stranger.post(f"{project}/items", body)
        nowhere = await stranger.post(f"/projects/{new_id()}/items", body)
        assert code_of(foreign) == (404, "not_found")
        assert sameness(foreign) == sameness(nowhere)
        assert await readback("select id from project_item where project_id = :id", id=_id(project)) == []
        assert (await owner.post(f"{project}/items", body)).status_code == 201

    async def test_with_another_tenants_member_gets_the_answer_of_an_unknown_one(
        self, owner: Caller, stranger: Caller, readback: Readback
    ) -> None:
        items = f"{await new_project(owner)}/items"
        foreign = await owner.post(items, {"title": "x", "assignee_id": await membership_of(readback, stranger)})
        nobody = await owner.post(items, {"title": "x", "assignee_id": str(new_id())})
        assert code_of(foreign) == (404, "assignee_not_found")
        assert sameness(foreign) == sameness(nobody)
        mine = await owner.post(items, {"title": "x", "assignee_id": await membership_of(readback, owner)})
        assert mine.status_code == 201

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "title"),
            ({"title": " "}, "title"),
            ({"title": "x" * 201}, "title"),
            ({"title": "x", "body": "x" * 10_001}, "body"),
            ({"title": "x", "status": "later"}, "status"),
            ({"title": "x", "position": -1}, "position"),
            ({"title": "x", "position": 1_000_001}, "position"),
            ({"title": "x", "position": 1.5}, "position"),
            ({"title": "x", "assignee_id": "me"}, "assignee_id"),
        ],
    )
    async def test_refuses_invalid_values(self, owner: Caller, body: object, field: str) -> None:
        answer = await owner.post(f"/projects/{new_id()}/items", body)
        assert answer.status_code == 422
        assert [error["field"].split(".")[-1] for error in answer.json()["field_errors"]] == [field]


def _id(path: str) -> UUID:
    return UUID(path.rpartition("/")[2])
