"""How much of its plan a tenant uses, and that what triggers count is what is there."""

from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID, uuid4

import anyio
import pytest

from tests.support.factories import Factories, TenantRow
from tests.tenants.conftest import Join
from tests.tenants.support import ROLES, Caller, Readback, code_of

SEERS = {"owner", "admin", "billing_manager"}
KEPT = "select resource, used from tenant_usage where tenant_id = :id"
COUNTED = """
    select 'projects' as resource, count(*) as used from project where tenant_id = :id
    union all select 'items', count(*) from project_item where tenant_id = :id
"""


async def usage_of(caller: Caller) -> dict[str, tuple[int, int]]:
    """Return what the route says: used and granted, by quota."""
    answer = await caller.get("/usage")
    assert answer.status_code == 200, answer.text
    return {quota["quota"]: (quota["used"], quota["limit"]) for quota in answer.json()["quotas"]}


async def agreed(readback: Readback, tenant_id: UUID) -> dict[object, object]:
    """Return what the counters say, which must be what a count says."""
    kept = {row["resource"]: row["used"] for row in await readback(KEPT, id=tenant_id)}
    counted = {row["resource"]: row["used"] for row in await readback(COUNTED, id=tenant_id)}
    assert {**dict.fromkeys(counted, 0), **kept} == counted
    return counted


async def at_once(*works: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async with anyio.create_task_group() as group:
        for work in works:
            group.start_soon(work)


class TestRead:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_who_answers_for_the_plan(self, join: Join, tenant: TenantRow, role: str) -> None:
        answer = await (await join(tenant, role)).get("/usage")
        assert answer.status_code == (200 if role in SEERS else 403)

    async def test_tells_each_quota(self, owner: Caller, tenant: TenantRow, make: Factories) -> None:
        await owner.item(await owner.project())
        await make.member(tenant)
        await make.invitation(tenant, owner.user, to="somebody@example.com")
        await make.invitation(tenant, owner.user, to="late@example.com", days=-1)
        await make.domain(tenant, f"{tenant.slug}.example.com", verified=False)
        await make.api_key(tenant, "project:read")
        assert await usage_of(owner) == {
            "projects": (1, 100),
            "items": (1, 100_000),
            "seats": (3, 50),
            "api_keys": (1, 100),
            "domains": (1, 5),
        }

    async def test_of_a_new_tenant_is_its_owner(self, owner: Caller, stranger: Caller) -> None:
        await owner.item(await owner.project())
        used = {quota: used for quota, (used, _) in (await usage_of(stranger)).items()}
        assert used == {"projects": 0, "items": 0, "seats": 1, "api_keys": 0, "domains": 0}

    async def test_asks_one_question(self, owner: Caller, statements: list[str]) -> None:
        await usage_of(owner)
        assert len(statements) == 1


class TestCounters:
    async def test_follow_every_change(self, owner: Caller, readback: Readback) -> None:
        first, second = await owner.project(), await owner.project("Another")
        item = await owner.item(first)
        bulk = await owner.post(f"{first}/items/bulk", {"items": [{"title": "x"}] * 50})
        assert bulk.status_code == 201
        await owner.item(second)
        assert await agreed(readback, owner.home.id) == {"projects": 2, "items": 52}
        assert (await owner.patch(item, {"title": "Renamed"})).status_code == 200
        assert (await owner.delete(item)).status_code == 204
        assert await agreed(readback, owner.home.id) == {"projects": 2, "items": 51}
        assert (await owner.delete(first)).status_code == 204
        assert await agreed(readback, owner.home.id) == {"projects": 1, "items": 1}

    async def test_do_not_count_what_was_refused(self, owner: Caller, readback: Readback) -> None:
        project = await owner.project()
        refused = [
            await owner.post("/projects", {"name": "Website"}),
            await owner.post(f"/projects/{uuid4()}/items", {"title": "x"}),
            await owner.post(f"{project}/items", {"title": "x", "assignee_id": str(uuid4())}),
            await owner.post(f"{project}/items/bulk", {"items": [{"title": "x"}, {"title": ""}]}),
        ]
        assert [answer.status_code for answer in refused] == [409, 404, 404, 422]
        assert await agreed(readback, owner.home.id) == {"projects": 1, "items": 0}

    async def test_stay_true_and_in_bounds_when_many_change_at_once(
        self, make: Factories, join: Join, readback: Readback
    ) -> None:
        granted = {"requests_per_minute": 60_000, "projects": 4, "items": 12}
        owner = await join(await make.tenant(entitlements=granted), "owner")
        projects = [await owner.project(f"P{number}") for number in range(3)]
        codes: list[int] = []

        async def one(project: str) -> None:
            codes.append((await owner.post(f"{project}/items", {"title": "x"})).status_code)

        async def three(project: str) -> None:
            bulk = await owner.post(f"{project}/items/bulk", {"items": [{"title": "x"}] * 3})
            codes.append(bulk.status_code)

        async def gone() -> None:
            codes.append((await owner.delete(projects[2])).status_code)

        works = [lambda project=project: one(project) for project in projects * 4]
        works += [lambda project=project: three(project) for project in projects]
        await at_once(*works, gone)
        assert set(codes) <= {201, 204, 404, 409}
        found = await agreed(readback, owner.home.id)
        assert found["projects"] == 2
        assert int(str(found["items"])) <= 12

    async def test_grant_the_last_one_once(self, make: Factories, join: Join, readback: Readback) -> None:
        granted = {"requests_per_minute": 60_000, "projects": 2, "items": 5}
        owner = await join(await make.tenant(entitlements=granted), "owner")
        project = await owner.project()
        codes: list[int] = []

        async def create() -> None:
            codes.append((await owner.post(f"{project}/items", {"title": "x"})).status_code)

        await at_once(*[create] * 12)
        assert sorted(codes) == [201] * 5 + [409] * 7
        assert await agreed(readback, owner.home.id) == {"projects": 1, "items": 5}
        refused = await owner.post(f"{project}/items", {"title": "x"})
        assert code_of(refused) == (409, "quota_exceeded")
        assert refused.json()["detail"] == "The plan grants 5 items; 5 are in use."

    async def test_are_each_tenants_own(self, owner: Caller, stranger: Caller, readback: Readback) -> None:
        await owner.item(await owner.project())
        await stranger.project()
        assert await agreed(readback, owner.home.id) == {"projects": 1, "items": 1}
        assert await agreed(readback, stranger.home.id) == {"projects": 1, "items": 0}

    async def test_are_not_asked_by_counting_rows(self, owner: Caller, statements: list[str]) -> None:
        project = await owner.project()
        statements.clear()
        await owner.item(project)
        assert not [statement for statement in statements if "count(" in statement.lower()]
