from uuid import UUID

import pytest

from insula.core.ids import new_id
from tests.example.calls import new_project
from tests.support.factories import Factories, TenantRow
from tests.tenants.conftest import Join
from tests.tenants.support import ROLES, WRITERS, Caller, code_of, sameness


class TestCreateMany:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_writers(self, owner: Caller, join: Join, tenant: TenantRow, role: str) -> None:
        project = await new_project(owner)
        answer = await (await join(tenant, role)).post(f"{project}/items/bulk", {"items": [{"title": "x"}]})
        assert answer.status_code == (201 if role in WRITERS else 403)

    async def test_beyond_the_quota_creates_none(self, make: Factories, join: Join) -> None:
        tenant = await make.tenant(entitlements={"requests_per_minute": 600, "projects": 1, "items": 3})
        owner = await join(tenant, "owner")
        items = f"{await new_project(owner)}/items"
        answer = await owner.post(f"{items}/bulk", {"items": [{"title": "x"}] * 4})
        assert code_of(answer) == (409, "quota_exceeded")
        assert await owner.walk(items, limit=10) == []
        assert (await owner.post(f"{items}/bulk", {"items": [{"title": "x"}] * 3})).status_code == 201

    async def test_in_another_tenants_project_gets_the_answer_of_an_unknown_one(
        self, owner: Caller, stranger: Caller
    ) -> None:
        project = await new_project(owner)
        body = {"items": [{"title": "Planted"}]}
        foreign = await stranger.post(f"{project}/items/bulk", body)
        nowhere = await stranger.post(f"/projects/{new_id()}/items/bulk", body)
        assert code_of(foreign) == (404, "not_found")
        assert sameness(foreign) == sameness(nowhere)
        assert await owner.walk(f"{project}/items", limit=10) == []


def _id(path: str) -> UUID:
    return UUID(path.rpartition("/")[2])
