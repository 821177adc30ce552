from uuid import UUID

import anyio
import pytest

from insula.ids import new_id
from tests.support.factories import Factories, TenantRow
from tests.tenants.conftest import Join
from tests.tenants.support import API, ROLES, WRITERS, Caller, Readback, code_of, membership_of, sameness


class TestCreate:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_those_who_write(self, owner: Caller, join: Join, tenant: TenantRow, role: str) -> None:
        project = await owner.project()
        answer = await (await join(tenant, role)).post(f"{project}/items", {"title": "Front page"})
        there = [item["title"] for item in await owner.walk(f"{project}/items", limit=10)]
        if role in WRITERS:
            assert (answer.status_code, there) == (201, ["Front page"])
        else:
            assert (code_of(answer), there) == ((403, "forbidden"), [])

    async def test_answers_what_was_made_and_where(self, owner: Caller, readback: Readback) -> None:
        project = await owner.project()
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

    async def test_in_another_tenants_project_is_that_of_nowhere(
        self, owner: Caller, stranger: Caller, readback: Readback
    ) -> None:
        project = await owner.project()
        body = {"title": "Planted"}
        foreign = await stranger.post(f"{project}/items", body)
        nowhere = await stranger.post(f"/projects/{new_id()}/items", body)
        assert code_of(foreign) == (404, "not_found")
        assert sameness(foreign) == sameness(nowhere)
        assert await readback("select id from project_item where project_id = :id", id=_id(project)) == []
        assert (await owner.post(f"{project}/items", body)).status_code == 201

    async def test_for_another_tenants_member_is_that_of_nobody(
        self, owner: Caller, stranger: Caller, readback: Readback
    ) -> None:
        items = f"{await owner.project()}/items"
        foreign = await owner.post(items, {"title": "x", "assignee_id": await membership_of(readback, stranger)})
        nobody = await owner.post(items, {"title": "x", "assignee_id": str(new_id())})
        assert code_of(foreign) == (404, "assignee_not_found")
        assert sameness(foreign) == sameness(nobody)
        mine = await owner.post(items, {"title": "x", "assignee_id": await membership_of(readback, owner)})
        assert mine.status_code == 201

    async def test_of_many_at_once_no_more_than_the_plan_grants(
        self, make: Factories, join: Join, readback: Readback
    ) -> None:
        tenant = await make.tenant(entitlements={"requests_per_minute": 6_000, "projects": 1, "items": 5})
        owner = await join(tenant, "owner")
        items = f"{await owner.project()}/items"
        answers: list[int] = []

        async def create(title: str) -> None:
            answers.append((await owner.post(items, {"title": title})).status_code)

        async def create_three() -> None:
            body = {"items": [{"title": "x"}] * 3}
            answers.append((await owner.post(f"{items}/bulk", body)).status_code)

        async with anyio.create_task_group() as group:
            for number in range(6):
                group.start_soon(create, f"Item {number}")
                group.start_soon(create_three)
        rows = await readback("select count(*) from project_item where tenant_id = :id", id=tenant.id)
        assert set(answers) == {201, 409}
        assert rows == [{"count": 5}]

    async def test_while_the_project_is_deleted_leaves_no_orphan_and_no_5xx(
        self, owner: Caller, readback: Readback
    ) -> None:
        project = await owner.project()
        answers: list[int] = []

        async def create() -> None:
            answers.append((await owner.post(f"{project}/items", {"title": "x"})).status_code)

        async def delete() -> None:
            answers.append((await owner.delete(project)).status_code)

        async with anyio.create_task_group() as group:
            for turn in range(10):
                group.start_soon(delete if turn == 4 else create)
        assert set(answers) <= {201, 204, 404}
        assert 204 in answers
        assert await readback("select id from project_item where project_id = :id", id=_id(project)) == []

    async def test_repeated_with_one_key_has_one_effect(self, owner: Caller) -> None:
        items = f"{await owner.project()}/items"
        first = await owner.post(items, {"title": "x"}, idempotency_key="k1")
        again = await owner.post(items, {"title": "x"}, idempotency_key="k1")
        assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
        assert len(await owner.walk(items, limit=10)) == 1

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
    async def test_refuses_what_is_out_of_bounds(self, owner: Caller, body: object, field: str) -> None:
        answer = await owner.post(f"/projects/{new_id()}/items", body)
        assert answer.status_code == 422
        assert [error["field"].split(".")[-1] for error in answer.json()["field_errors"]] == [field]


def _id(path: str) -> UUID:
    return UUID(path.rpartition("/")[2])
