import pytest

from insula.core.text.fields import MAX_SEARCH
from tests.example.calls import new_project
from tests.support.factories import TenantRow
from tests.tenants.conftest import Join
from tests.tenants.support import READERS, ROLES, Caller, code_of


class TestList:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_readers(self, owner: Caller, join: Join, tenant: TenantRow, role: str) -> None:
        await new_project(owner)
        answer = await (await join(tenant, role)).get("/projects")
        if role in READERS:
            assert [project["name"] for project in answer.json()["items"]] == ["Website"]
        else:
            assert code_of(answer) == (403, "forbidden")

    async def test_contains_no_project_of_another_tenant(self, owner: Caller, stranger: Caller) -> None:
        await new_project(owner, "Ours")
        await new_project(stranger, "Theirs")
        assert [project["name"] for project in await owner.walk("/projects", limit=10)] == ["Ours"]

    @pytest.mark.parametrize("sort_by", ["created_at", "-created_at", "name", "-name"])
    async def test_following_the_cursors_returns_each_project_once_in_order(self, owner: Caller, sort_by: str) -> None:
        for name in ("b", "d", "a", "ä", "c"):
            await new_project(owner, name)
        whole = (await owner.get("/projects", sort_by=sort_by)).json()["items"]
        assert len(whole) == 5
        for limit in (1, 2, 5):
            assert await owner.walk("/projects", sort_by=sort_by, limit=limit) == whole
        backwards = sort_by.removeprefix("-") if sort_by.startswith("-") else f"-{sort_by}"
        assert await owner.walk("/projects", sort_by=backwards, limit=2) == whole[::-1]

    async def test_filters_by_status_and_search(self, owner: Caller) -> None:
        await new_project(owner, "Website", description="For all to see")
        await new_project(owner, "Shop", status="archived")
        await new_project(owner, "100% cotton_shirts")

        async def names(**params: str) -> list[str]:
            return [project["name"] for project in await owner.walk("/projects", limit=10, sort_by="name", **params)]

        assert await names(status="archived") == ["Shop"]
        assert await names(search="WEB") == ["Website"]
        assert await names(search="all to") == ["Website"]
        assert await names(search="%") == ["100% cotton_shirts"]
        assert await names(search="_") == ["100% cotton_shirts"]
        assert await names(search="\\") == []
        assert await names(search="shop", status="active") == []

    @pytest.mark.parametrize(
        "params",
        [
            {"limit": 0},
            {"limit": 101},
            {"limit": "many"},
            {"sort_by": "tenant_id"},
            {"status": "gone"},
            {"search": ""},
            {"search": "x" * (MAX_SEARCH + 1)},
            {"cursor": "!"},
            {"unknown": "1"},
        ],
    )
    async def test_refuses_invalid_parameters(self, owner: Caller, params: dict[str, object]) -> None:
        assert (await owner.get("/projects", **params)).status_code == 422
