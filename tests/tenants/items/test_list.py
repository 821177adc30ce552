from uuid import UUID

import pytest

from insula.core.ids import new_id
from tests.example.calls import new_item, new_project
from tests.support.factories import TenantRow
from tests.tenants.conftest import Join
from tests.tenants.support import READERS, ROLES, Caller, Readback, code_of, sameness

SORTS = ["created_at", "-created_at", "title", "-title", "position", "-position"]


class TestList:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_readers(self, owner: Caller, join: Join, tenant: TenantRow, role: str) -> None:
        project = await new_project(owner)
        await new_item(owner, project)
        answer = await (await join(tenant, role)).get(f"{project}/items")
        assert answer.status_code == (200 if role in READERS else 403)

    async def test_contains_only_the_projects_items(self, owner: Caller) -> None:
        website, shop = await new_project(owner, "Website"), await new_project(owner, "Shop")
        await new_item(owner, website, "Front page")
        await new_item(owner, shop, "Basket")
        assert [item["title"] for item in await owner.walk(f"{shop}/items", limit=10)] == ["Basket"]

    async def test_of_another_tenants_project_gets_the_answer_of_an_unknown_one(
        self, owner: Caller, stranger: Caller
    ) -> None:
        empty, full = await new_project(owner, "Empty"), await new_project(owner, "Full")
        await new_item(owner, full)
        nowhere = await stranger.get(f"/projects/{new_id()}/items")
        for project in (empty, full):
            foreign = await stranger.get(f"{project}/items")
            assert code_of(foreign) == (404, "not_found")
            assert sameness(foreign) == sameness(nowhere)
        assert (await owner.get(f"{empty}/items")).json() == {"items": [], "next_cursor": None}

    @pytest.mark.parametrize("sort_by", SORTS)
    async def test_following_the_cursors_returns_each_item_once_in_order_with_ties(
        self, owner: Caller, sort_by: str
    ) -> None:
        items = f"{await new_project(owner)}/items"
        bodies = [{"title": "same" if n % 2 else f"t{n % 3}", "position": n % 4} for n in range(25)]
        made = (await owner.post(f"{items}/bulk", {"items": bodies})).json()["ids"]
        whole = (await owner.get(items, sort_by=sort_by, limit=100)).json()["items"]
        assert sorted(item["id"] for item in whole) == sorted(made)
        for limit in (1, 4, 7, 25):
            assert await owner.walk(items, sort_by=sort_by, limit=limit) == whole
        backwards = sort_by.removeprefix("-") if sort_by.startswith("-") else f"-{sort_by}"
        assert await owner.walk(items, sort_by=backwards, limit=3) == whole[::-1]

    async def test_filters_by_status_and_search(self, owner: Caller) -> None:
        project = await new_project(owner)
        await new_item(owner, project, "Front page", body="Hero picture")
        await new_item(owner, project, "Imprint", status="done")
        found = await owner.walk(f"{project}/items", limit=10, search="HERO")
        assert [item["title"] for item in found] == ["Front page"]
        found = await owner.walk(f"{project}/items", limit=10, status="done")
        assert [item["title"] for item in found] == ["Imprint"]
        assert await owner.walk(f"{project}/items", limit=10, search="%") == []

    async def test_has_an_index_for_every_order(self, readback: Readback) -> None:
        indexes = await readback("select indexdef from pg_indexes where tablename = 'project_item'")
        ordered = {str(row["indexdef"]).partition("(")[2] for row in indexes}
        for column in ("created_at", "title_key", '"position"'):
            assert f"tenant_id, project_id, {column}, id)" in ordered


def _id(path: str) -> UUID:
    return UUID(path.rpartition("/")[2])
