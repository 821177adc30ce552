from uuid import UUID

import pytest

from insula.ids import new_id
from tests.support.factories import TenantRow
from tests.tenants.conftest import Join
from tests.tenants.support import READERS, ROLES, Caller, Readback, code_of, sameness

SORTS = ["created_at", "-created_at", "title", "-title", "position", "-position"]


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
        for column in ("created_at", "title_key", '"position"'):
            assert f"tenant_id, project_id, {column}, id)" in ordered


def _id(path: str) -> UUID:
    return UUID(path.rpartition("/")[2])
