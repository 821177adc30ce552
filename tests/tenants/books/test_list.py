from uuid import UUID

import pytest

from insula.core.ids import new_id
from tests.tenants.support import Caller, code_of, sameness

SORTS = ["created_at", "-created_at", "title", "-title", "position", "-position"]


class TestList:
    async def test_contains_only_the_racks_books(self, owner: Caller) -> None:
        website, shop = await owner.rack("Website"), await owner.rack("Shop")
        await owner.book(website, "Front page")
        await owner.book(shop, "Basket")
        assert [book["title"] for book in await owner.walk(f"{shop}/books", limit=10)] == ["Basket"]

    async def test_of_another_tenants_rack_gets_the_answer_of_an_unknown_one(
        self, owner: Caller, stranger: Caller
    ) -> None:
        empty, full = await owner.rack("Empty"), await owner.rack("Full")
        await owner.book(full)
        nowhere = await stranger.get(f"/racks/{new_id()}/books")
        for rack in (empty, full):
            foreign = await stranger.get(f"{rack}/books")
            assert code_of(foreign) == (404, "not_found")
            assert sameness(foreign) == sameness(nowhere)
        assert (await owner.get(f"{empty}/books")).json() == {"items": [], "next_cursor": None}

    @pytest.mark.parametrize("sort_by", SORTS)
    async def test_following_the_cursors_returns_each_book_once_in_order_with_ties(
        self, owner: Caller, sort_by: str
    ) -> None:
        books = f"{await owner.rack()}/books"
        bodies = [{"title": "same" if n % 2 else f"t{n % 3}", "position": n % 4} for n in range(25)]
        made = (await owner.post(f"{books}/bulk", {"items": bodies})).json()["ids"]
        whole = (await owner.get(books, sort_by=sort_by, limit=100)).json()["items"]
        assert sorted(book["id"] for book in whole) == sorted(made)
        for limit in (1, 4, 7, 25):
            assert await owner.walk(books, sort_by=sort_by, limit=limit) == whole
        backwards = sort_by.removeprefix("-") if sort_by.startswith("-") else f"-{sort_by}"
        assert await owner.walk(books, sort_by=backwards, limit=3) == whole[::-1]

    async def test_following_the_cursors_is_not_disturbed_by_inserts_and_deletes(self, owner: Caller) -> None:
        books = f"{await owner.rack()}/books"
        bodies = [{"title": f"t{number}", "position": number * 10} for number in range(6)]
        await owner.post(f"{books}/bulk", {"items": bodies})
        first = (await owner.get(books, sort_by="position", limit=2)).json()
        await owner.book(books.removesuffix("/books"), "before", position=5)
        await owner.delete(f"{books}/{first['items'][1]['id']}")
        rest = await owner.walk(books, sort_by="position", limit=2, cursor=first["next_cursor"])
        assert [book["title"] for book in rest] == ["t2", "t3", "t4", "t5"]

    async def test_filters_by_status_and_search(self, owner: Caller) -> None:
        rack = await owner.rack()
        await owner.book(rack, "Front page", body="Hero picture")
        await owner.book(rack, "Imprint", status="done")
        found = await owner.walk(f"{rack}/books", limit=10, search="HERO")
        assert [book["title"] for book in found] == ["Front page"]
        found = await owner.walk(f"{rack}/books", limit=10, status="done")
        assert [book["title"] for book in found] == ["Imprint"]
        assert await owner.walk(f"{rack}/books", limit=10, search="%") == []

    async def test_costs_one_query_for_any_length(self, owner: Caller, statements: list[str]) -> None:
        books = f"{await owner.rack()}/books"
        await owner.post(f"{books}/bulk", {"items": [{"title": "x"}] * 120})
        for limit in (1, 10, 100):
            statements.clear()
            assert len((await owner.get(books, limit=limit)).json()["items"]) == limit
            assert len(statements) == 1


def _id(path: str) -> UUID:
    return UUID(path.rpartition("/")[2])
