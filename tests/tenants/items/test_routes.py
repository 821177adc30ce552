from uuid import UUID

import pytest

from insula.core.ids import new_id
from tests.example.calls import new_item, new_project
from tests.support.factories import TenantRow
from tests.tenants.conftest import Join
from tests.tenants.support import READERS, ROLES, WRITERS, Caller, Readback, code_of, membership_of, sameness


class TestRead:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_readers(self, owner: Caller, join: Join, tenant: TenantRow, role: str) -> None:
        item = await new_item(owner, await new_project(owner))
        answer = await (await join(tenant, role)).get(item)
        assert answer.status_code == (200 if role in READERS else 403)

    async def test_under_another_project_is_not_found(self, owner: Caller) -> None:
        item = await new_item(owner, await new_project(owner, "Website"))
        other = await new_project(owner, "Shop")
        assert code_of(await owner.get(f"{other}/items/{item.rpartition('/')[2]}")) == (404, "not_found")
        assert (await owner.get(item)).status_code == 200

    async def test_of_another_tenants_item_gets_the_answer_of_an_unknown_one(
        self, owner: Caller, stranger: Caller
    ) -> None:
        item = await new_item(owner, await new_project(owner))
        foreign = await stranger.get(item)
        nowhere = await stranger.get(f"/projects/{new_id()}/items/{new_id()}")
        assert code_of(foreign) == (404, "not_found")
        assert sameness(foreign) == sameness(nowhere)


class TestUpdate:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_writers(self, owner: Caller, join: Join, tenant: TenantRow, role: str) -> None:
        item = await new_item(owner, await new_project(owner))
        answer = await (await join(tenant, role)).patch(item, {"status": "done"})
        now = (await owner.get(item)).json()["status"]
        assert (answer.status_code, now) == ((200, "done") if role in WRITERS else (403, "open"))

    async def test_changes_only_the_sent_fields(self, owner: Caller, readback: Readback) -> None:
        item = await new_item(owner, await new_project(owner), assignee_id=await membership_of(readback, owner))
        before = (await owner.get(item)).json()
        assert before["assignee_id"] is not None
        answer = await owner.patch(item, {"assignee_id": None, "position": 3})
        assert answer.headers["etag"] == '"2"'
        updated_at = answer.json()["updated_at"]
        expected = {**before, "assignee_id": None, "position": 3, "updated_at": updated_at, "version": 2}
        assert answer.json() == expected
        assert (await owner.get(item)).json() == expected

    async def test_with_a_stale_version_is_refused(self, owner: Caller) -> None:
        item = await new_item(owner, await new_project(owner))
        assert (await owner.patch(item, {"status": "done"}, if_match='"1"')).status_code == 200
        assert code_of(await owner.patch(item, {"status": "open"}, if_match='"1"')) == (412, "precondition_failed")
        assert (await owner.get(item)).json()["status"] == "done"

    async def test_with_another_tenants_member_gets_the_answer_of_an_unknown_one(
        self, owner: Caller, stranger: Caller, readback: Readback
    ) -> None:
        item = await new_item(owner, await new_project(owner))
        foreign = await owner.patch(item, {"assignee_id": await membership_of(readback, stranger)})
        nobody = await owner.patch(item, {"assignee_id": str(new_id())})
        assert code_of(foreign) == (404, "assignee_not_found")
        assert sameness(foreign) == sameness(nobody)
        assert (await owner.patch(item, {"assignee_id": await membership_of(readback, owner)})).status_code == 200

    async def test_of_another_tenants_item_gets_the_answer_of_an_unknown_one(
        self, owner: Caller, stranger: Caller
    ) -> None:
        item = await new_item(owner, await new_project(owner))
        foreign = await stranger.patch(item, {"title": "Mine"})
        nowhere = await stranger.patch(f"/projects/{new_id()}/items/{new_id()}", {"title": "Mine"})
        assert code_of(foreign) == (404, "not_found")
        assert sameness(foreign) == sameness(nowhere)
        assert (await owner.get(item)).json()["title"] == "Front page"


class TestDelete:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_writers(self, owner: Caller, join: Join, tenant: TenantRow, role: str) -> None:
        item = await new_item(owner, await new_project(owner))
        answer = await (await join(tenant, role)).delete(item)
        still = (await owner.get(item)).status_code
        assert (answer.status_code, still) == ((204, 404) if role in WRITERS else (403, 200))

    async def test_with_a_stale_version_is_refused(self, owner: Caller) -> None:
        item = await new_item(owner, await new_project(owner))
        await owner.patch(item, {"status": "done"})
        assert code_of(await owner.delete(item, if_match='"1"')) == (412, "precondition_failed")
        assert (await owner.delete(item, if_match='"2"')).status_code == 204

    async def test_of_another_tenants_item_gets_the_answer_of_an_unknown_one(
        self, owner: Caller, stranger: Caller
    ) -> None:
        item = await new_item(owner, await new_project(owner))
        foreign = await stranger.delete(item)
        nowhere = await stranger.delete(f"/projects/{new_id()}/items/{new_id()}")
        assert code_of(foreign) == (404, "not_found")
        assert sameness(foreign) == sameness(nowhere)
        assert (await owner.delete(item)).status_code == 204


def _id(path: str) -> UUID:
    return UUID(path.rpartition("/")[2])
