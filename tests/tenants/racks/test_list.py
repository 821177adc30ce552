import pytest

from insula.core.text.fields import MAX_SEARCH
from tests.tenants.support import Caller, code_of


class TestList:
    async def test_contains_no_rack_of_another_tenant(self, owner: Caller, stranger: Caller) -> None:
        await owner.rack("Ours")
        await stranger.rack("Theirs")
        assert [rack["name"] for rack in await owner.walk("/racks", limit=10)] == ["Ours"]

    @pytest.mark.parametrize("sort_by", ["created_at", "-created_at", "name", "-name"])
    async def test_following_the_cursors_returns_each_rack_once_in_order(self, owner: Caller, sort_by: str) -> None:
        for name in ("b", "d", "a", "ä", "c"):
            await owner.rack(name)
        whole = (await owner.get("/racks", sort_by=sort_by)).json()["items"]
        assert len(whole) == 5
        for limit in (1, 2, 5):
            assert await owner.walk("/racks", sort_by=sort_by, limit=limit) == whole
        backwards = sort_by.removeprefix("-") if sort_by.startswith("-") else f"-{sort_by}"
        assert await owner.walk("/racks", sort_by=backwards, limit=2) == whole[::-1]

    async def test_filters_by_status_and_search(self, owner: Caller) -> None:
        await owner.rack("Website", description="For all to see")
        await owner.rack("Shop", status="archived")
        await owner.rack("100% cotton_shirts")

        async def names(**params: str) -> list[str]:
            return [rack["name"] for rack in await owner.walk("/racks", limit=10, sort_by="name", **params)]

        assert await names(status="archived") == ["Shop"]
        assert await names(search="WEB") == ["Website"]
        assert await names(search="all to") == ["Website"]
        assert await names(search="%") == ["100% cotton_shirts"]
        assert await names(search="_") == ["100% cotton_shirts"]
        assert await names(search="\\") == []
        assert await names(search="shop", status="active") == []

    async def test_filters_by_the_times_of_creation_and_change(self, owner: Caller) -> None:
        paths = [await owner.rack(name) for name in ("a", "b", "c", "d")]
        created = [(await owner.get(path)).json()["created_at"] for path in paths]
        await owner.patch(paths[0], {"status": "archived"})
        changed = (await owner.get(paths[0])).json()["updated_at"]

        async def names(**params: str) -> str:
            return "".join(rack["name"] for rack in await owner.walk("/racks", limit=1, sort_by="name", **params))

        assert await names(created_since=created[1]) == "bcd"
        assert await names(created_until=created[2]) == "ab"
        assert await names(created_since=created[1], created_until=created[3]) == "bc"
        assert await names(created_since=created[3], created_until=created[3]) == ""
        assert await names(updated_since=changed) == "a"
        assert await names(updated_until=changed) == "bcd"
        assert await names(updated_since=created[1], updated_until=created[3], status="active") == "bc"
        assert await names(created_until=created[1], updated_since=changed, search="a") == "a"
        assert await names(created_since="0001-01-01T00:00:00Z", updated_until="9999-12-31T23:59:59Z") == "abcd"

    async def test_costs_one_query_for_any_length(self, owner: Caller, statements: list[str]) -> None:
        for number in range(12):
            await owner.rack(f"Rack {number}")
        for limit in (1, 10, 100):
            statements.clear()
            assert len((await owner.get("/racks", limit=limit)).json()["items"]) == min(limit, 12)
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
            {"search": "x" * (MAX_SEARCH + 1)},
            {"cursor": "!"},
            {"unknown": "1"},
            {"created_since": "2026-11-30T12:00:00"},
            {"updated_until": "yesterday"},
            {"created_until": "0001-01-01T00:00:00+14:00"},
        ],
    )
    async def test_refuses_invalid_parameters(self, owner: Caller, params: dict[str, object]) -> None:
        assert (await owner.get("/racks", **params)).status_code == 422

    async def test_refuses_the_cursor_of_another_order(self, owner: Caller) -> None:
        await owner.rack("a")
        await owner.rack("b")
        cursor = (await owner.get("/racks", limit=1, sort_by="name")).json()["next_cursor"]
        assert code_of(await owner.get("/racks", cursor=cursor, sort_by="-name")) == (422, "invalid_cursor")
        assert (await owner.get("/racks", cursor=cursor, sort_by="name")).status_code == 200
