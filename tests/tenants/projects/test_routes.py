import pytest

from insula.core.ids import new_id
from tests.example.calls import new_item, new_project
from tests.support.factories import TenantRow
from tests.tenants.conftest import Join
from tests.tenants.support import READERS, ROLES, WRITERS, Caller, Readback, code_of, sameness


class TestRead:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_readers(self, owner: Caller, join: Join, tenant: TenantRow, role: str) -> None:
        project = await new_project(owner)
        answer = await (await join(tenant, role)).get(project)
        if role in READERS:
            assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
        else:
            assert code_of(answer) == (403, "forbidden")

    async def test_of_another_tenants_project_gets_the_answer_of_an_unknown_one(
        self, owner: Caller, stranger: Caller
    ) -> None:
        project = await new_project(owner)
        foreign, nowhere = await stranger.get(project), await stranger.get(f"/projects/{new_id()}")
        assert code_of(foreign) == (404, "not_found")
        assert sameness(foreign) == sameness(nowhere)
        assert (await owner.get(project)).status_code == 200


class TestUpdate:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_writers(self, owner: Caller, join: Join, tenant: TenantRow, role: str) -> None:
        project = await new_project(owner)
        answer = await (await join(tenant, role)).patch(project, {"name": "Shop"})
        now = (await owner.get(project)).json()["name"]
        if role in WRITERS:
            assert (answer.status_code, now) == (200, "Shop")
        else:
            assert (answer.status_code, now) == (403, "Website")

    async def test_changes_only_the_sent_fields(self, owner: Caller) -> None:
        project = await new_project(owner, description="Old")
        before = (await owner.get(project)).json()
        answer = await owner.patch(project, {"status": "archived"})
        assert answer.headers["etag"] == '"2"'
        after = answer.json()
        assert after["updated_at"] > before["updated_at"]
        assert {**after, "updated_at": None} == {**before, "status": "archived", "updated_at": None, "version": 2}
        assert (await owner.get(project)).json() == after

    async def test_with_a_stale_version_is_refused(self, owner: Caller) -> None:
        project = await new_project(owner)
        tag = (await owner.get(project)).headers["etag"]
        assert (await owner.patch(project, {"name": "First"}, if_match=tag)).status_code == 200
        assert code_of(await owner.patch(project, {"name": "Second"}, if_match=tag)) == (412, "precondition_failed")
        assert (await owner.get(project)).json()["name"] == "First"

    async def test_refuses_a_name_that_exists_in_this_tenant(self, owner: Caller) -> None:
        await new_project(owner, "Website")
        project = await new_project(owner, "Shop")
        assert code_of(await owner.patch(project, {"name": "Website"})) == (409, "project_name_taken")

    async def test_refuses_null_for_required_values(self, owner: Caller) -> None:
        project = await new_project(owner)
        assert (await owner.patch(project, {"name": None})).status_code == 422

    async def test_of_another_tenants_project_gets_the_answer_of_an_unknown_one(
        self, owner: Caller, stranger: Caller
    ) -> None:
        project = await new_project(owner)
        body = {"name": "Mine now"}
        foreign, nowhere = await stranger.patch(project, body), await stranger.patch(f"/projects/{new_id()}", body)
        assert code_of(foreign) == (404, "not_found")
        assert sameness(foreign) == sameness(nowhere)
        assert (await owner.get(project)).json()["name"] == "Website"


class TestDelete:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_owners_and_admins(self, owner: Caller, join: Join, tenant: TenantRow, role: str) -> None:
        project = await new_project(owner)
        answer = await (await join(tenant, role)).delete(project)
        still = (await owner.get(project)).status_code
        assert (answer.status_code, still) == ((204, 404) if role in {"owner", "admin"} else (403, 200))

    async def test_deletes_its_items_and_no_others(self, owner: Caller, readback: Readback) -> None:
        gone, stays = await new_project(owner, "Gone"), await new_project(owner, "Stays")
        await new_item(owner, gone)
        await new_item(owner, stays, "Stays too")
        answer = await owner.delete(gone)
        assert (answer.status_code, answer.content) == (204, b"")
        rows = await readback("select title from project_item where tenant_id = :id", id=owner.home.id)
        assert rows == [{"title": "Stays too"}]

    async def test_with_a_stale_version_is_refused(self, owner: Caller) -> None:
        project = await new_project(owner)
        await owner.patch(project, {"name": "Shop"})
        assert code_of(await owner.delete(project, if_match='"1"')) == (412, "precondition_failed")
        assert (await owner.delete(project, if_match='"2"')).status_code == 204

    async def test_of_another_tenants_project_gets_the_answer_of_an_unknown_one(
        self, owner: Caller, stranger: Caller
    ) -> None:
        project = await new_project(owner)
        foreign, nowhere = await stranger.delete(project), await stranger.delete(f"/projects/{new_id()}")
        assert code_of(foreign) == (404, "not_found")
        assert sameness(foreign) == sameness(nowhere)
        assert (await owner.delete(project)).status_code == 204
