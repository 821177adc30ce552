from uuid import UUID

import pytest

from insula.core.ids import new_id
from tests.support.factories import Factories
from tests.tenants.conftest import Join
from tests.tenants.support import Caller, code_of, sameness


class TestCreateMany:
    async def test_makes_a_thousand_in_order(self, owner: Caller, statements: list[str]) -> None:
        books = f"{await owner.rack()}/books"
        titles = [f"Item {number:04}" for number in range(1_000)]
        statements.clear()
        answer = await owner.post(f"{books}/bulk", {"items": [{"title": title} for title in titles]})
        assert answer.status_code == 201, answer.text
        assert len([statement for statement in statements if "INTO book" in statement]) == 1
        assert len(statements) == 2  # the insert and the audit log
        found = await owner.walk(books, limit=100, sort_by="title")
        assert [book["title"] for book in found] == titles
        assert [book["id"] for book in found] == answer.json()["ids"]

    @pytest.mark.parametrize("count", [0, 1_001])
    async def test_refuses_no_books_and_too_many(self, owner: Caller, count: int) -> None:
        books = f"{await owner.rack()}/books"
        answer = await owner.post(f"{books}/bulk", {"items": [{"title": "x"}] * count})
        assert answer.status_code == 422
        assert await owner.walk(books, limit=10) == []

    async def test_with_one_invalid_element_creates_none_and_names_it(self, owner: Caller) -> None:
        books = f"{await owner.rack()}/books"
        answer = await owner.post(f"{books}/bulk", {"items": [{"title": "a"}, {"title": ""}, {"title": "c"}]})
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["field_errors"]] == ["items.1.title"]
        assert await owner.walk(books, limit=10) == []

    async def test_beyond_the_quota_creates_none(self, make: Factories, join: Join) -> None:
        tenant = await make.tenant(entitlements={"requests_per_minute": 600, "racks": 1, "books": 3})
        owner = await join(tenant, "owner")
        books = f"{await owner.rack()}/books"
        answer = await owner.post(f"{books}/bulk", {"items": [{"title": "x"}] * 4})
        assert code_of(answer) == (409, "quota_exceeded")
        assert await owner.walk(books, limit=10) == []
        assert (await owner.post(f"{books}/bulk", {"items": [{"title": "x"}] * 3})).status_code == 201

    async def test_in_another_tenants_rack_gets_the_answer_of_an_unknown_one(
        self, owner: Caller, stranger: Caller
    ) -> None:
        rack = await owner.rack()
        body = {"items": [{"title": "Planted"}]}
        foreign = await stranger.post(f"{rack}/books/bulk", body)
        nowhere = await stranger.post(f"/racks/{new_id()}/books/bulk", body)
        assert code_of(foreign) == (404, "not_found")
        assert sameness(foreign) == sameness(nowhere)
        assert await owner.walk(f"{rack}/books", limit=10) == []


def _id(path: str) -> UUID:
    return UUID(path.rpartition("/")[2])
