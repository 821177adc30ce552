from uuid import UUID

import anyio
import pytest

from insula.ids import new_id
from tests.support.factories import Factories, TenantRow
from tests.tenants.conftest import Join
from tests.tenants.support import API, ROLES, Caller, Readback, code_of, sameness

WRITERS = {"owner", "admin", "member"}
READERS = WRITERS | {"viewer"}
SORTS = ["created_at", "-created_at", "title", "-title", "position", "-position"]


async def membership_of(readback: Readback, caller: Caller) -> str:
    rows = await readback("select id from membership where user_id = :id", id=caller.user.id)
    return str(rows[0]["id"])


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
        assert len([statement for statement in statements if "INSERT" in statement]) == 1
        assert len(statements) == 3  # the lock, the count, the insert
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


class TestRead:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_those_who_read(self, owner: Caller, join: Join, tenant: TenantRow, role: str) -> None:
        item = await owner.item(await owner.project())
        answer = await (await join(tenant, role)).get(item)
        assert answer.status_code == (200 if role in READERS else 403)

    async def test_under_another_project_is_not_found(self, owner: Caller) -> None:
        item = await owner.item(await owner.project("Website"))
        other = await owner.project("Shop")
        assert code_of(await owner.get(f"{other}/items/{item.rpartition('/')[2]}")) == (404, "not_found")
        assert (await owner.get(item)).status_code == 200

    async def test_of_another_tenants_is_that_of_nowhere(self, owner: Caller, stranger: Caller) -> None:
        item = await owner.item(await owner.project())
        foreign = await stranger.get(item)
        nowhere = await stranger.get(f"/projects/{new_id()}/items/{new_id()}")
        assert code_of(foreign) == (404, "not_found")
        assert sameness(foreign) == sameness(nowhere)


class TestUpdate:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_those_who_write(self, owner: Caller, join: Join, tenant: TenantRow, role: str) -> None:
        item = await owner.item(await owner.project())
        answer = await (await join(tenant, role)).patch(item, {"status": "done"})
        now = (await owner.get(item)).json()["status"]
        assert (answer.status_code, now) == ((200, "done") if role in WRITERS else (403, "open"))

    async def test_changes_what_is_sent_and_nothing_else(self, owner: Caller, readback: Readback) -> None:
        item = await owner.item(await owner.project(), assignee_id=await membership_of(readback, owner))
        before = (await owner.get(item)).json()
        assert before["assignee_id"] is not None
        answer = await owner.patch(item, {"assignee_id": None, "position": 3})
        assert answer.headers["etag"] == '"2"'
        expected = {**before, "assignee_id": None, "position": 3, "updated_at": answer.json()["updated_at"]}
        assert answer.json() == expected
        assert (await owner.get(item)).json() == expected

    async def test_with_a_stale_version_is_refused(self, owner: Caller) -> None:
        item = await owner.item(await owner.project())
        assert (await owner.patch(item, {"status": "done"}, if_match='"1"')).status_code == 200
        assert code_of(await owner.patch(item, {"status": "open"}, if_match='"1"')) == (412, "precondition_failed")
        assert (await owner.get(item)).json()["status"] == "done"

    async def test_for_another_tenants_member_is_that_of_nobody(
        self, owner: Caller, stranger: Caller, readback: Readback
    ) -> None:
        item = await owner.item(await owner.project())
        foreign = await owner.patch(item, {"assignee_id": await membership_of(readback, stranger)})
        nobody = await owner.patch(item, {"assignee_id": str(new_id())})
        assert code_of(foreign) == (404, "assignee_not_found")
        assert sameness(foreign) == sameness(nobody)
        assert (await owner.patch(item, {"assignee_id": await membership_of(readback, owner)})).status_code == 200

    async def test_of_another_tenants_is_that_of_nowhere(self, owner: Caller, stranger: Caller) -> None:
        item = await owner.item(await owner.project())
        foreign = await stranger.patch(item, {"title": "Mine"})
        nowhere = await stranger.patch(f"/projects/{new_id()}/items/{new_id()}", {"title": "Mine"})
        assert code_of(foreign) == (404, "not_found")
        assert sameness(foreign) == sameness(nowhere)
        assert (await owner.get(item)).json()["title"] == "Front page"


class TestDelete:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_those_who_write(self, owner: Caller, join: Join, tenant: TenantRow, role: str) -> None:
        item = await owner.item(await owner.project())
        answer = await (await join(tenant, role)).delete(item)
        still = (await owner.get(item)).status_code
        assert (answer.status_code, still) == ((204, 404) if role in WRITERS else (403, 200))

    async def test_with_a_stale_version_is_refused(self, owner: Caller) -> None:
        item = await owner.item(await owner.project())
        await owner.patch(item, {"status": "done"})
        assert code_of(await owner.delete(item, if_match='"1"')) == (412, "precondition_failed")
        assert (await owner.delete(item, if_match='"2"')).status_code == 204

    async def test_of_another_tenants_is_that_of_nowhere(self, owner: Caller, stranger: Caller) -> None:
        item = await owner.item(await owner.project())
        foreign = await stranger.delete(item)
        nowhere = await stranger.delete(f"/projects/{new_id()}/items/{new_id()}")
        assert code_of(foreign) == (404, "not_found")
        assert sameness(foreign) == sameness(nowhere)
        assert (await owner.delete(item)).status_code == 204


class TestList:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_those_who_read(self, owner: Caller, join: Join, tenant: TenantRow, role: str) -> None:
        project = await owner.project()
        await owner.item(project)
        answer = await (await join(tenant, role)).get(f"{project}/items")
        assert answer.status_code == (200 if role in READERS else 403)

    async def test_holds_the_projects_own(self, owner: Caller) -> None:
        website, shop = await owner.project("Website"), await owner.project("Shop")
        await owner.item(website, "Front page")
        await owner.item(shop, "Basket")
        assert [item["title"] for item in await owner.walk(f"{shop}/items", limit=10)] == ["Basket"]

    async def test_of_another_tenants_project_is_that_of_nowhere(self, owner: Caller, stranger: Caller) -> None:
        empty, full = await owner.project("Empty"), await owner.project("Full")
        await owner.item(full)
        nowhere = await stranger.get(f"/projects/{new_id()}/items")
        for project in (empty, full):
            foreign = await stranger.get(f"{project}/items")
            assert code_of(foreign) == (404, "not_found")
            assert sameness(foreign) == sameness(nowhere)
        assert (await owner.get(f"{empty}/items")).json() == {"items": [], "next_cursor": None}

    @pytest.mark.parametrize("sort_by", SORTS)
    async def test_walk_visits_each_once_in_order_also_through_ties(self, owner: Caller, sort_by: str) -> None:
        items = f"{await owner.project()}/items"
        bodies = [{"title": "same" if n % 2 else f"t{n % 3}", "position": n % 4} for n in range(25)]
        made = (await owner.post(f"{items}/bulk", {"items": bodies})).json()["ids"]
        whole = (await owner.get(items, sort_by=sort_by, limit=100)).json()["items"]
        assert sorted(item["id"] for item in whole) == sorted(made)
        for limit in (1, 4, 7, 25):
            assert await owner.walk(items, sort_by=sort_by, limit=limit) == whole
        backwards = sort_by.removeprefix("-") if sort_by.startswith("-") else f"-{sort_by}"
        assert await owner.walk(items, sort_by=backwards, limit=3) == whole[::-1]

    async def test_walk_is_not_disturbed_by_what_comes_and_goes(self, owner: Caller) -> None:
        items = f"{await owner.project()}/items"
        bodies = [{"title": f"t{number}", "position": number * 10} for number in range(6)]
        await owner.post(f"{items}/bulk", {"items": bodies})
        first = (await owner.get(items, sort_by="position", limit=2)).json()
        await owner.item(items.removesuffix("/items"), "before", position=5)
        await owner.delete(f"{items}/{first['items'][1]['id']}")
        rest = await owner.walk(items, sort_by="position", limit=2, cursor=first["next_cursor"])
        assert [item["title"] for item in rest] == ["t2", "t3", "t4", "t5"]

    async def test_filters_by_status_and_search(self, owner: Caller) -> None:
        project = await owner.project()
        await owner.item(project, "Front page", body="Hero picture")
        await owner.item(project, "Imprint", status="done")
        found = await owner.walk(f"{project}/items", limit=10, search="HERO")
        assert [item["title"] for item in found] == ["Front page"]
        found = await owner.walk(f"{project}/items", limit=10, status="done")
        assert [item["title"] for item in found] == ["Imprint"]
        assert await owner.walk(f"{project}/items", limit=10, search="%") == []

    async def test_is_one_query_however_long(self, owner: Caller, statements: list[str]) -> None:
        items = f"{await owner.project()}/items"
        await owner.post(f"{items}/bulk", {"items": [{"title": "x"}] * 120})
        for limit in (1, 10, 100):
            statements.clear()
            assert len((await owner.get(items, limit=limit)).json()["items"]) == limit
            assert len(statements) == 1

    async def test_has_an_index_for_every_order(self, readback: Readback) -> None:
        indexes = await readback("select indexdef from pg_indexes where tablename = 'project_item'")
        ordered = {str(row["indexdef"]).partition("(")[2] for row in indexes}
        for column in ("created_at", "title", '"position"'):
            assert f"tenant_id, project_id, {column}, id)" in ordered


def _id(path: str) -> UUID:
    return UUID(path.rpartition("/")[2])
