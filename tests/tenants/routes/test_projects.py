from uuid import UUID

import anyio
import pytest

from insula.ids import new_id
from tests.support.factories import Factories, TenantRow
from tests.tenants.conftest import Join
from tests.tenants.support import API, ROLES, Caller, Readback, code_of, sameness

WRITERS = {"owner", "admin", "member"}
READERS = WRITERS | {"viewer"}


class TestCreate:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_those_who_write(self, join: Join, tenant: TenantRow, role: str, readback: Readback) -> None:
        answer = await (await join(tenant, role)).post("/projects", {"name": "Website"})
        rows = await readback("select name from project where tenant_id = :id", id=tenant.id)
        if role in WRITERS:
            assert answer.status_code == 201
            assert rows == [{"name": "Website"}]
        else:
            assert code_of(answer) == (403, "forbidden")
            assert rows == []

    async def test_answers_what_was_made_and_where(self, owner: Caller, readback: Readback) -> None:
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
        }
        rows = await readback("select tenant_id, name from project where id = :id", id=UUID(made["id"]))
        assert owner.tenant is not None
        assert rows == [{"tenant_id": owner.tenant.id, "name": "Website"}]
        found = await owner.client.get(answer.headers["location"], headers=owner.token)
        assert found.json() == made

    async def test_refuses_a_name_that_this_tenant_has(self, owner: Caller, stranger: Caller) -> None:
        await owner.project("Website")
        assert code_of(await owner.post("/projects", {"name": "Website"})) == (409, "project_name_taken")
        assert (await stranger.post("/projects", {"name": "Website"})).status_code == 201

    async def test_refuses_more_than_the_plan_grants(self, make: Factories, join: Join) -> None:
        owner = await join(await make.tenant(plan="free"), "owner")
        for number in range(3):
            await owner.project(f"Project {number}")
        assert code_of(await owner.post("/projects", {"name": "One more"})) == (409, "quota_exceeded")

    async def test_of_many_at_once_no_more_than_the_plan_grants(
        self, make: Factories, join: Join, readback: Readback
    ) -> None:
        tenant = await make.tenant(plan="free")
        owner = await join(tenant, "owner")
        answers: list[int] = []

        async def create(number: int) -> None:
            answers.append((await owner.post("/projects", {"name": f"Project {number}"})).status_code)

        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(create, number)
        assert sorted(answers) == [201] * 3 + [409] * 17
        assert await readback("select count(*) from project where tenant_id = :id", id=tenant.id) == [{"count": 3}]

    async def test_repeated_with_one_key_has_one_effect(self, owner: Caller, readback: Readback) -> None:
        body = {"name": "Website"}
        first = await owner.post("/projects", body, idempotency_key="k1")
        again = await owner.post("/projects", body, idempotency_key="k1")
        assert (first.status_code, again.status_code) == (201, 201)
        assert again.content == first.content
        assert again.headers["location"] == first.headers["location"]
        assert owner.tenant is not None
        assert len(await readback("select id from project where tenant_id = :id", id=owner.tenant.id)) == 1

    async def test_refuses_a_key_used_with_another_body(self, owner: Caller) -> None:
        await owner.post("/projects", {"name": "Website"}, idempotency_key="k1")
        answer = await owner.post("/projects", {"name": "Shop"}, idempotency_key="k1")
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
    async def test_refuses_what_is_out_of_bounds(self, owner: Caller, body: object, field: str) -> None:
        answer = await owner.post("/projects", body)
        assert answer.status_code == 422
        assert [error["field"].split(".")[-1] for error in answer.json()["field_errors"]] == [field]


class TestRead:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_those_who_read(self, owner: Caller, join: Join, tenant: TenantRow, role: str) -> None:
        project = await owner.project()
        answer = await (await join(tenant, role)).get(project)
        if role in READERS:
            assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
        else:
            assert code_of(answer) == (403, "forbidden")

    async def test_of_another_tenants_is_that_of_nowhere(self, owner: Caller, stranger: Caller) -> None:
        project = await owner.project()
        foreign, nowhere = await stranger.get(project), await stranger.get(f"/projects/{new_id()}")
        assert code_of(foreign) == (404, "not_found")
        assert sameness(foreign) == sameness(nowhere)
        assert (await owner.get(project)).status_code == 200


class TestUpdate:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_those_who_write(self, owner: Caller, join: Join, tenant: TenantRow, role: str) -> None:
        project = await owner.project()
        answer = await (await join(tenant, role)).patch(project, {"name": "Shop"})
        now = (await owner.get(project)).json()["name"]
        if role in WRITERS:
            assert (answer.status_code, now) == (200, "Shop")
        else:
            assert (answer.status_code, now) == (403, "Website")

    async def test_changes_what_is_sent_and_nothing_else(self, owner: Caller) -> None:
        project = await owner.project(description="Old")
        before = (await owner.get(project)).json()
        answer = await owner.patch(project, {"status": "archived"})
        assert answer.headers["etag"] == '"2"'
        after = answer.json()
        assert after["updated_at"] > before["updated_at"]
        assert {**after, "updated_at": None} == {**before, "status": "archived", "updated_at": None}
        assert (await owner.get(project)).json() == after

    async def test_of_nothing_changes_nothing(self, owner: Caller) -> None:
        project = await owner.project()
        before = await owner.get(project)
        answer = await owner.patch(project, {})
        assert (answer.status_code, answer.json()) == (200, before.json())
        assert answer.headers["etag"] == before.headers["etag"]

    async def test_with_a_stale_version_is_refused(self, owner: Caller) -> None:
        project = await owner.project()
        tag = (await owner.get(project)).headers["etag"]
        assert (await owner.patch(project, {"name": "First"}, if_match=tag)).status_code == 200
        assert code_of(await owner.patch(project, {"name": "Second"}, if_match=tag)) == (412, "precondition_failed")
        assert (await owner.get(project)).json()["name"] == "First"

    async def test_of_many_with_one_version_one_wins(self, owner: Caller) -> None:
        project = await owner.project()
        answers: list[tuple[int, str]] = []

        async def rename(name: str) -> None:
            answers.append(((await owner.patch(project, {"name": name}, if_match='"1"')).status_code, name))

        async with anyio.create_task_group() as group:
            for number in range(10):
                group.start_soon(rename, f"Name {number}")
        winners = [name for status, name in answers if status == 200]
        assert sorted(status for status, _ in answers) == [200] + [412] * 9
        assert [(await owner.get(project)).json()["name"]] == winners

    async def test_without_a_version_the_last_one_stays(self, owner: Caller) -> None:
        project = await owner.project()
        statuses: list[int] = []

        async def rename(name: str) -> None:
            statuses.append((await owner.patch(project, {"name": name})).status_code)

        async with anyio.create_task_group() as group:
            for number in range(10):
                group.start_soon(rename, f"Name {number}")
        assert statuses == [200] * 10
        assert (await owner.get(project)).headers["etag"] == '"11"'

    async def test_refuses_a_name_that_this_tenant_has(self, owner: Caller) -> None:
        await owner.project("Website")
        project = await owner.project("Shop")
        assert code_of(await owner.patch(project, {"name": "Website"})) == (409, "project_name_taken")

    async def test_refuses_null_where_a_value_belongs(self, owner: Caller) -> None:
        project = await owner.project()
        assert (await owner.patch(project, {"name": None})).status_code == 422

    async def test_of_another_tenants_is_that_of_nowhere(self, owner: Caller, stranger: Caller) -> None:
        project = await owner.project()
        body = {"name": "Mine now"}
        foreign, nowhere = await stranger.patch(project, body), await stranger.patch(f"/projects/{new_id()}", body)
        assert code_of(foreign) == (404, "not_found")
        assert sameness(foreign) == sameness(nowhere)
        assert (await owner.get(project)).json()["name"] == "Website"


class TestDelete:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_owner_and_admin(self, owner: Caller, join: Join, tenant: TenantRow, role: str) -> None:
        project = await owner.project()
        answer = await (await join(tenant, role)).delete(project)
        still = (await owner.get(project)).status_code
        assert (answer.status_code, still) == ((204, 404) if role in {"owner", "admin"} else (403, 200))

    async def test_takes_its_items_with_it_and_no_others(self, owner: Caller, readback: Readback) -> None:
        gone, stays = await owner.project("Gone"), await owner.project("Stays")
        await owner.item(gone)
        await owner.item(stays, "Stays too")
        answer = await owner.delete(gone)
        assert (answer.status_code, answer.content) == (204, b"")
        assert owner.tenant is not None
        rows = await readback("select title from project_item where tenant_id = :id", id=owner.tenant.id)
        assert rows == [{"title": "Stays too"}]

    async def test_with_a_stale_version_is_refused(self, owner: Caller) -> None:
        project = await owner.project()
        await owner.patch(project, {"name": "Shop"})
        assert code_of(await owner.delete(project, if_match='"1"')) == (412, "precondition_failed")
        assert (await owner.delete(project, if_match='"2"')).status_code == 204

    async def test_of_another_tenants_is_that_of_nowhere(self, owner: Caller, stranger: Caller) -> None:
        project = await owner.project()
        foreign, nowhere = await stranger.delete(project), await stranger.delete(f"/projects/{new_id()}")
        assert code_of(foreign) == (404, "not_found")
        assert sameness(foreign) == sameness(nowhere)
        assert (await owner.delete(project)).status_code == 204


class TestList:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_those_who_read(self, owner: Caller, join: Join, tenant: TenantRow, role: str) -> None:
        await owner.project()
        answer = await (await join(tenant, role)).get("/projects")
        if role in READERS:
            assert [project["name"] for project in answer.json()["items"]] == ["Website"]
        else:
            assert code_of(answer) == (403, "forbidden")

    async def test_holds_no_other_tenants(self, owner: Caller, stranger: Caller) -> None:
        await owner.project("Ours")
        await stranger.project("Theirs")
        assert [project["name"] for project in await owner.walk("/projects", limit=10)] == ["Ours"]

    @pytest.mark.parametrize("sort_by", ["created_at", "-created_at", "name", "-name"])
    async def test_walk_visits_each_once_in_order(self, owner: Caller, sort_by: str) -> None:
        for name in ("b", "d", "a", "ä", "c"):
            await owner.project(name)
        whole = (await owner.get("/projects", sort_by=sort_by)).json()["items"]
        assert len(whole) == 5
        for limit in (1, 2, 5):
            assert await owner.walk("/projects", sort_by=sort_by, limit=limit) == whole
        backwards = sort_by.removeprefix("-") if sort_by.startswith("-") else f"-{sort_by}"
        assert await owner.walk("/projects", sort_by=backwards, limit=2) == whole[::-1]

    async def test_filters_by_status_and_search(self, owner: Caller) -> None:
        await owner.project("Website", description="For all to see")
        await owner.project("Shop", status="archived")
        await owner.project("100% cotton_shirts")

        async def names(**params: str) -> list[str]:
            return [project["name"] for project in await owner.walk("/projects", limit=10, sort_by="name", **params)]

        assert await names(status="archived") == ["Shop"]
        assert await names(search="WEB") == ["Website"]
        assert await names(search="all to") == ["Website"]
        assert await names(search="%") == ["100% cotton_shirts"]
        assert await names(search="_") == ["100% cotton_shirts"]
        assert await names(search="\\") == []
        assert await names(search="shop", status="active") == []

    async def test_is_one_query_however_long(self, owner: Caller, statements: list[str]) -> None:
        for number in range(12):
            await owner.project(f"Project {number}")
        for limit in (1, 10, 100):
            statements.clear()
            assert len((await owner.get("/projects", limit=limit)).json()["items"]) == min(limit, 12)
            assert len(statements) == 1

    @pytest.mark.parametrize(
        "params",
        [
            {"limit": 0},
            {"limit": 101},
            {"limit": "many"},
            {"sort_by": "tenant_id"},
            {"status": "gone"},
            {"search": ""},
            {"search": "x" * 101},
            {"cursor": "!"},
            {"unknown": "1"},
        ],
    )
    async def test_refuses_what_is_out_of_bounds(self, owner: Caller, params: dict[str, object]) -> None:
        assert (await owner.get("/projects", **params)).status_code == 422

    async def test_refuses_the_cursor_of_another_order(self, owner: Caller) -> None:
        await owner.project("a")
        await owner.project("b")
        cursor = (await owner.get("/projects", limit=1, sort_by="name")).json()["next_cursor"]
        assert code_of(await owner.get("/projects", cursor=cursor, sort_by="-name")) == (422, "invalid_cursor")
        assert (await owner.get("/projects", cursor=cursor, sort_by="name")).status_code == 200
