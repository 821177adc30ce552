from uuid import UUID

import anyio
import pytest

from insula.core.ids import new_id
from tests.support.factories import Factories
from tests.tenants.conftest import Join
from tests.tenants.support import API, Caller, Readback, code_of, membership_of, sameness


class TestCreate:
    async def test_returns_the_book_and_its_location(self, owner: Caller, readback: Readback) -> None:
        rack = await owner.rack()
        reader = await membership_of(readback, owner)
        body = {"title": "Front page", "body": "Two\nlines", "status": "done", "position": 7, "reader_id": reader}
        answer = await owner.post(f"{rack}/books", body)
        made = answer.json()
        assert answer.status_code == 201
        assert answer.headers["location"] == f"{API}{rack}/books/{made['id']}"
        assert answer.headers["etag"] == '"1"'
        assert {name: made[name] for name in body} == body
        assert made["rack_id"] == rack.removeprefix("/racks/")
        found = await owner.client.get(answer.headers["location"], headers=owner.token)
        assert found.json() == made

    async def test_in_another_tenants_rack_gets_the_answer_of_an_unknown_one(
        self, owner: Caller, stranger: Caller, readback: Readback
    ) -> None:
        rack = await owner.rack()
        body = {"title": "Planted"}
        foreign = await stranger.post(f"{rack}/books", body)
        nowhere = await stranger.post(f"/racks/{new_id()}/books", body)
        assert code_of(foreign) == (404, "not_found")
        assert sameness(foreign) == sameness(nowhere)
        assert await readback("select id from book where rack_id = :id", id=_id(rack)) == []
        assert (await owner.post(f"{rack}/books", body)).status_code == 201

    async def test_with_another_tenants_member_gets_the_answer_of_an_unknown_one(
        self, owner: Caller, stranger: Caller, readback: Readback
    ) -> None:
        books = f"{await owner.rack()}/books"
        foreign = await owner.post(books, {"title": "x", "reader_id": await membership_of(readback, stranger)})
        nobody = await owner.post(books, {"title": "x", "reader_id": str(new_id())})
        assert code_of(foreign) == (404, "reader_not_found")
        assert sameness(foreign) == sameness(nobody)
        mine = await owner.post(books, {"title": "x", "reader_id": await membership_of(readback, owner)})
        assert mine.status_code == 201

    async def test_concurrent_creations_stay_within_the_quota(
        self, make: Factories, join: Join, readback: Readback
    ) -> None:
        tenant = await make.tenant(entitlements={"requests_per_minute": 6_000, "racks": 1, "books": 5})
        owner = await join(tenant, "owner")
        books = f"{await owner.rack()}/books"
        answers: list[int] = []

        async def create(title: str) -> None:
            answers.append((await owner.post(books, {"title": title})).status_code)

        async def create_three() -> None:
            body = {"items": [{"title": "x"}] * 3}
            answers.append((await owner.post(f"{books}/bulk", body)).status_code)

        async with anyio.create_task_group() as group:
            for number in range(6):
                group.start_soon(create, f"Item {number}")
                group.start_soon(create_three)
        rows = await readback("select count(*) from book where tenant_id = :id", id=tenant.id)
        assert set(answers) == {201, 409}
        assert rows == [{"count": 5}]

    async def test_while_the_rack_is_deleted_leaves_no_orphan_and_no_5xx(
        self, owner: Caller, readback: Readback
    ) -> None:
        rack = await owner.rack()
        answers: list[int] = []

        async def create() -> None:
            answers.append((await owner.post(f"{rack}/books", {"title": "x"})).status_code)

        async def delete() -> None:
            answers.append((await owner.delete(rack)).status_code)

        async with anyio.create_task_group() as group:
            for turn in range(10):
                group.start_soon(delete if turn == 4 else create)
        assert set(answers) <= {201, 204, 404}
        assert 204 in answers
        assert await readback("select id from book where rack_id = :id", id=_id(rack)) == []

    async def test_repeated_with_one_key_has_one_effect(self, owner: Caller) -> None:
        books = f"{await owner.rack()}/books"
        first = await owner.post(books, {"title": "x"}, idempotency_key="k1")
        again = await owner.post(books, {"title": "x"}, idempotency_key="k1")
        assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
        assert len(await owner.walk(books, limit=10)) == 1

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
            ({"title": "x", "reader_id": "me"}, "reader_id"),
        ],
    )
    async def test_refuses_invalid_values(self, owner: Caller, body: object, field: str) -> None:
        answer = await owner.post(f"/racks/{new_id()}/books", body)
        assert answer.status_code == 422
        assert [error["field"].split(".")[-1] for error in answer.json()["field_errors"]] == [field]


def _id(path: str) -> UUID:
    return UUID(path.rpartition("/")[2])
