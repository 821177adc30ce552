from uuid import UUID

from insula.core.ids import new_id
from tests.tenants.support import Caller, Readback, code_of, membership_of, sameness


class TestRead:
    async def test_under_another_rack_is_not_found(self, owner: Caller) -> None:
        book = await owner.book(await owner.rack("Website"))
        other = await owner.rack("Shop")
        assert code_of(await owner.get(f"{other}/books/{book.rpartition('/')[2]}")) == (404, "not_found")
        assert (await owner.get(book)).status_code == 200

    async def test_of_another_tenants_book_gets_the_answer_of_an_unknown_one(
        self, owner: Caller, stranger: Caller
    ) -> None:
        book = await owner.book(await owner.rack())
        foreign = await stranger.get(book)
        nowhere = await stranger.get(f"/racks/{new_id()}/books/{new_id()}")
        assert code_of(foreign) == (404, "not_found")
        assert sameness(foreign) == sameness(nowhere)


class TestUpdate:
    async def test_changes_only_the_sent_fields(self, owner: Caller, readback: Readback) -> None:
        book = await owner.book(await owner.rack(), reader_id=await membership_of(readback, owner))
        before = (await owner.get(book)).json()
        assert before["reader_id"] is not None
        answer = await owner.patch(book, {"reader_id": None, "position": 3})
        assert answer.headers["etag"] == '"2"'
        updated_at = answer.json()["updated_at"]
        expected = {**before, "reader_id": None, "position": 3, "updated_at": updated_at, "version": 2}
        assert answer.json() == expected
        assert (await owner.get(book)).json() == expected

    async def test_with_a_stale_version_is_refused(self, owner: Caller) -> None:
        book = await owner.book(await owner.rack())
        assert (await owner.patch(book, {"status": "done"}, if_match='"1"')).status_code == 200
        assert code_of(await owner.patch(book, {"status": "open"}, if_match='"1"')) == (412, "precondition_failed")
        assert (await owner.get(book)).json()["status"] == "done"

    async def test_with_another_tenants_member_gets_the_answer_of_an_unknown_one(
        self, owner: Caller, stranger: Caller, readback: Readback
    ) -> None:
        book = await owner.book(await owner.rack())
        foreign = await owner.patch(book, {"reader_id": await membership_of(readback, stranger)})
        nobody = await owner.patch(book, {"reader_id": str(new_id())})
        assert code_of(foreign) == (404, "reader_not_found")
        assert sameness(foreign) == sameness(nobody)
        assert (await owner.patch(book, {"reader_id": await membership_of(readback, owner)})).status_code == 200

    async def test_of_another_tenants_book_gets_the_answer_of_an_unknown_one(
        self, owner: Caller, stranger: Caller
    ) -> None:
        book = await owner.book(await owner.rack())
        foreign = await stranger.patch(book, {"title": "Mine"})
        nowhere = await stranger.patch(f"/racks/{new_id()}/books/{new_id()}", {"title": "Mine"})
        assert code_of(foreign) == (404, "not_found")
        assert sameness(foreign) == sameness(nowhere)
        assert (await owner.get(book)).json()["title"] == "Front page"


class TestDelete:
    async def test_with_a_stale_version_is_refused(self, owner: Caller) -> None:
        book = await owner.book(await owner.rack())
        await owner.patch(book, {"status": "done"})
        assert code_of(await owner.delete(book, if_match='"1"')) == (412, "precondition_failed")
        assert (await owner.delete(book, if_match='"2"')).status_code == 204

    async def test_of_another_tenants_book_gets_the_answer_of_an_unknown_one(
        self, owner: Caller, stranger: Caller
    ) -> None:
        book = await owner.book(await owner.rack())
        foreign = await stranger.delete(book)
        nowhere = await stranger.delete(f"/racks/{new_id()}/books/{new_id()}")
        assert code_of(foreign) == (404, "not_found")
        assert sameness(foreign) == sameness(nowhere)
        assert (await owner.delete(book)).status_code == 204


def _id(path: str) -> UUID:
    return UUID(path.rpartition("/")[2])
