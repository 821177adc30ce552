import anyio
import pytest

from insula.core.ids import new_id
from tests.tenants.support import Caller, Readback, code_of, sameness


class TestRead:
    async def test_of_another_tenants_rack_gets_the_answer_of_an_unknown_one(
        self, owner: Caller, stranger: Caller
    ) -> None:
        rack = await owner.rack()
        foreign, nowhere = await stranger.get(rack), await stranger.get(f"/racks/{new_id()}")
        assert code_of(foreign) == (404, "not_found")
        assert sameness(foreign) == sameness(nowhere)
        assert (await owner.get(rack)).status_code == 200


class TestUpdate:
    async def test_changes_only_the_sent_fields(self, owner: Caller) -> None:
        rack = await owner.rack(description="Old")
        before = (await owner.get(rack)).json()
        answer = await owner.patch(rack, {"status": "archived"})
        assert answer.headers["etag"] == '"2"'
        after = answer.json()
        assert after["updated_at"] > before["updated_at"]
        assert {**after, "updated_at": None} == {**before, "status": "archived", "updated_at": None, "version": 2}
        assert (await owner.get(rack)).json() == after

    async def test_with_an_empty_body_changes_nothing(self, owner: Caller) -> None:
        rack = await owner.rack()
        before = await owner.get(rack)
        answer = await owner.patch(rack, {})
        assert (answer.status_code, answer.json()) == (200, before.json())
        assert answer.headers["etag"] == before.headers["etag"]

    async def test_with_a_stale_version_is_refused(self, owner: Caller) -> None:
        rack = await owner.rack()
        tag = (await owner.get(rack)).headers["etag"]
        assert (await owner.patch(rack, {"name": "First"}, if_match=tag)).status_code == 200
        assert code_of(await owner.patch(rack, {"name": "Second"}, if_match=tag)) == (412, "precondition_failed")
        assert (await owner.get(rack)).json()["name"] == "First"

    @pytest.mark.parametrize(
        ("if_match", "status"),
        [
            *(('"1"', 200), ("*", 200), ('"7", "1"', 200), ('"7",,"1"', 200), ('"2"', 412), ('"7", "8"', 412)),
            # Entity tags as compressing proxies change them.
            *(('W/"1"', 200), ('"1-gzip"', 200), ('"1;gzip"', 200), ('W/"1--gzip"', 200), ('"1"-gzip', 200)),
            *(('"7", W/"1-br"', 200), ('W/"2"', 412), ('"2-gzip"', 412), ('"11-gzip"', 412)),
            *(("1", 400), ('""', 400), ("W/1", 400), ('w/"1"', 400), ('"1-guzip"', 400), ('"-gzip"', 400)),
            *(('"1" "1"', 400), (",", 400), ('"1", *', 400)),
        ],
    )
    async def test_compares_the_version_in_an_etag_that_a_proxy_changed(
        self, owner: Caller, if_match: str, status: int
    ) -> None:
        rack = await owner.rack()
        assert (await owner.patch(rack, {"name": "Shop"}, if_match=if_match)).status_code == status

    async def test_only_one_of_many_concurrent_updates_of_a_version_succeeds(self, owner: Caller) -> None:
        rack = await owner.rack()
        answers: list[tuple[int, str]] = []

        async def rename(name: str) -> None:
            answers.append(((await owner.patch(rack, {"name": name}, if_match='"1"')).status_code, name))

        async with anyio.create_task_group() as group:
            for number in range(10):
                group.start_soon(rename, f"Name {number}")
        winners = [name for status, name in answers if status == 200]
        assert sorted(status for status, _ in answers) == [200] + [412] * 9
        assert [(await owner.get(rack)).json()["name"]] == winners

    async def test_without_a_version_the_last_update_stays(self, owner: Caller) -> None:
        rack = await owner.rack()
        statuses: list[int] = []

        async def rename(name: str) -> None:
            statuses.append((await owner.patch(rack, {"name": name})).status_code)

        async with anyio.create_task_group() as group:
            for number in range(10):
                group.start_soon(rename, f"Name {number}")
        assert statuses == [200] * 10
        assert (await owner.get(rack)).headers["etag"] == '"11"'

    async def test_refuses_a_name_that_exists_in_this_tenant(self, owner: Caller) -> None:
        await owner.rack("Website")
        rack = await owner.rack("Shop")
        assert code_of(await owner.patch(rack, {"name": "Website"})) == (409, "rack_name_taken")

    async def test_refuses_null_for_required_values(self, owner: Caller) -> None:
        rack = await owner.rack()
        assert (await owner.patch(rack, {"name": None})).status_code == 422

    async def test_of_another_tenants_rack_gets_the_answer_of_an_unknown_one(
        self, owner: Caller, stranger: Caller
    ) -> None:
        rack = await owner.rack()
        body = {"name": "Mine now"}
        foreign, nowhere = await stranger.patch(rack, body), await stranger.patch(f"/racks/{new_id()}", body)
        assert code_of(foreign) == (404, "not_found")
        assert sameness(foreign) == sameness(nowhere)
        assert (await owner.get(rack)).json()["name"] == "Website"


class TestDelete:
    async def test_deletes_its_books_and_no_others(self, owner: Caller, readback: Readback) -> None:
        gone, stays = await owner.rack("Gone"), await owner.rack("Stays")
        await owner.book(gone)
        await owner.book(stays, "Stays too")
        answer = await owner.delete(gone)
        assert (answer.status_code, answer.content) == (204, b"")
        rows = await readback("select title from book where tenant_id = :id", id=owner.home.id)
        assert rows == [{"title": "Stays too"}]

    async def test_with_a_stale_version_is_refused(self, owner: Caller) -> None:
        rack = await owner.rack()
        await owner.patch(rack, {"name": "Shop"})
        assert code_of(await owner.delete(rack, if_match='"1"')) == (412, "precondition_failed")
        assert (await owner.delete(rack, if_match='"2"')).status_code == 204

    async def test_of_another_tenants_rack_gets_the_answer_of_an_unknown_one(
        self, owner: Caller, stranger: Caller
    ) -> None:
        rack = await owner.rack()
        foreign, nowhere = await stranger.delete(rack), await stranger.delete(f"/racks/{new_id()}")
        assert code_of(foreign) == (404, "not_found")
        assert sameness(foreign) == sameness(nowhere)
        assert (await owner.delete(rack)).status_code == 204
