import anyio
import pytest

from insula.ids import new_id
from tests.support.factories import TenantRow
from tests.tenants.conftest import Join
from tests.tenants.support import READERS, ROLES, WRITERS, Caller, Readback, code_of, sameness


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

    @pytest.mark.parametrize(
        ("if_match", "status"),
        [
            *(('"1"', 200), ("*", 200), ('"7", "1"', 200), ('"7",,"1"', 200), ('"2"', 412), ('"7", "8"', 412)),
            # What compressing proxies make of our tags.
            *(('W/"1"', 200), ('"1-gzip"', 200), ('"1;gzip"', 200), ('W/"1--gzip"', 200), ('"1"-gzip', 200)),
            *(('"7", W/"1-br"', 200), ('W/"2"', 412), ('"2-gzip"', 412), ('"11-gzip"', 412)),
            *(("1", 400), ('""', 400), ("W/1", 400), ('w/"1"', 400), ('"1-guzip"', 400), ('"-gzip"', 400)),
            *(('"1" "1"', 400), (",", 400), ('"1", *', 400)),
        ],
    )
    async def test_compares_the_version_whatever_a_proxy_did_to_its_tag(
        self, owner: Caller, if_match: str, status: int
    ) -> None:
        project = await owner.project()
        assert (await owner.patch(project, {"name": "Shop"}, if_match=if_match)).status_code == status

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
        rows = await readback("select title from project_item where tenant_id = :id", id=owner.home.id)
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
