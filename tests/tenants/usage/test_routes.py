"""A tenant's usage of its plan; the triggers' counters agree with the rows."""

from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID, uuid4

import anyio
import pytest

from tests.support.apps import INSTALLATION
from tests.support.factories import PLANS, Factories, TenantRow
from tests.tenants.conftest import Join
from tests.tenants.support import ROLES, Caller, Readback, code_of

READERS_OF_USAGE = {"owner", "admin", "billing_manager"}
KEPT = "select resource, used from tenant_usage where tenant_id = :id"
COUNTED = """
    select 'racks' as resource, count(*) as used from rack where tenant_id = :id
    union all select 'books', count(*) from book where tenant_id = :id
"""


async def usage_of(caller: Caller) -> dict[str, tuple[int, int]]:
    """Return the route's answer: used and granted, by quota."""
    answer = await caller.get("/usage")
    assert answer.status_code == 200, answer.text
    return {quota["quota"]: (quota["used"], quota["limit"]) for quota in answer.json()["quotas"]}


async def checked_counters(readback: Readback, tenant_id: UUID) -> dict[object, object]:
    """Return the counters, after checking that they equal a count."""
    kept = {row["resource"]: row["used"] for row in await readback(KEPT, id=tenant_id)}
    counted = {row["resource"]: row["used"] for row in await readback(COUNTED, id=tenant_id)}
    assert {**dict.fromkeys(counted, 0), **kept} == counted
    return counted


async def concurrently(*works: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async with anyio.create_task_group() as group:
        for work in works:
            group.start_soon(work)


class TestRead:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_roles_that_manage_the_plan(self, join: Join, tenant: TenantRow, role: str) -> None:
        answer = await (await join(tenant, role)).get("/usage")
        assert answer.status_code == (200 if role in READERS_OF_USAGE else 403)

    async def test_shows_each_quota(self, owner: Caller, tenant: TenantRow, make: Factories) -> None:
        await owner.book(await owner.rack())
        await make.member(tenant)
        await make.invitation(tenant, owner.user, to="somebody@example.com")
        await make.invitation(tenant, owner.user, to="late@example.com", days=-1)
        await make.domain(tenant, f"{tenant.slug}.example.com", verified=False)
        await make.api_key(tenant, "rack:read")
        unused = {quota.key: (0, quota.of(PLANS["pro"])) for quota in INSTALLATION.entitlements.quotas}
        assert await usage_of(owner) == {
            **unused,
            "racks": (1, 100),
            "books": (1, 100_000),
            "seats": (3, 50),
            "api_keys": (1, 100),
            "domains": (1, 5),
        }

    async def test_of_a_new_tenant_is_one_seat(self, owner: Caller, stranger: Caller) -> None:
        await owner.book(await owner.rack())
        used = {quota: used for quota, (used, _) in (await usage_of(stranger)).items()}
        assert used == {**{quota.key: 0 for quota in INSTALLATION.entitlements.quotas}, "seats": 1}

    async def test_takes_one_query(self, owner: Caller, statements: list[str]) -> None:
        await usage_of(owner)
        assert len(statements) == 1


class TestCounters:
    async def test_follow_every_change(self, owner: Caller, readback: Readback) -> None:
        first, second = await owner.rack(), await owner.rack("Another")
        book = await owner.book(first)
        bulk = await owner.post(f"{first}/books/bulk", {"items": [{"title": "x"}] * 50})
        assert bulk.status_code == 201
        await owner.book(second)
        assert await checked_counters(readback, owner.home.id) == {"racks": 2, "books": 52}
        assert (await owner.patch(book, {"title": "Renamed"})).status_code == 200
        assert (await owner.delete(book)).status_code == 204
        assert await checked_counters(readback, owner.home.id) == {"racks": 2, "books": 51}
        assert (await owner.delete(first)).status_code == 204
        assert await checked_counters(readback, owner.home.id) == {"racks": 1, "books": 1}

    async def test_do_not_count_refused_requests(self, owner: Caller, readback: Readback) -> None:
        rack = await owner.rack()
        refused = [
            await owner.post("/racks", {"name": "Website"}),
            await owner.post(f"/racks/{uuid4()}/books", {"title": "x"}),
            await owner.post(f"{rack}/books", {"title": "x", "reader_id": str(uuid4())}),
            await owner.post(f"{rack}/books/bulk", {"items": [{"title": "x"}, {"title": ""}]}),
        ]
        assert [answer.status_code for answer in refused] == [409, 404, 404, 422]
        assert await checked_counters(readback, owner.home.id) == {"racks": 1, "books": 0}

    async def test_stay_correct_and_within_quotas_under_concurrent_changes(
        self, make: Factories, join: Join, readback: Readback
    ) -> None:
        granted = {"requests_per_minute": 60_000, "racks": 4, "books": 12}
        owner = await join(await make.tenant(entitlements=granted), "owner")
        racks = [await owner.rack(f"P{number}") for number in range(3)]
        codes: list[int] = []

        async def one(rack: str) -> None:
            codes.append((await owner.post(f"{rack}/books", {"title": "x"})).status_code)

        async def three(rack: str) -> None:
            bulk = await owner.post(f"{rack}/books/bulk", {"items": [{"title": "x"}] * 3})
            codes.append(bulk.status_code)

        async def gone() -> None:
            codes.append((await owner.delete(racks[2])).status_code)

        works = [lambda rack=rack: one(rack) for rack in racks * 4]
        works += [lambda rack=rack: three(rack) for rack in racks]
        await concurrently(*works, gone)
        assert set(codes) <= {201, 204, 404, 409}
        found = await checked_counters(readback, owner.home.id)
        assert found["racks"] == 2
        assert int(str(found["books"])) <= 12

    async def test_admit_the_last_unit_only_once(self, make: Factories, join: Join, readback: Readback) -> None:
        granted = {"requests_per_minute": 60_000, "racks": 2, "books": 5}
        owner = await join(await make.tenant(entitlements=granted), "owner")
        rack = await owner.rack()
        codes: list[int] = []

        async def create() -> None:
            codes.append((await owner.post(f"{rack}/books", {"title": "x"})).status_code)

        await concurrently(*[create] * 12)
        assert sorted(codes) == [201] * 5 + [409] * 7
        assert await checked_counters(readback, owner.home.id) == {"racks": 1, "books": 5}
        refused = await owner.post(f"{rack}/books", {"title": "x"})
        assert code_of(refused) == (409, "quota_exceeded")
        assert refused.json()["detail"] == "The plan grants 5 books; 5 are in use."

    async def test_are_separate_for_each_tenant(self, owner: Caller, stranger: Caller, readback: Readback) -> None:
        await owner.book(await owner.rack())
        await stranger.rack()
        assert await checked_counters(readback, owner.home.id) == {"racks": 1, "books": 1}
        assert await checked_counters(readback, stranger.home.id) == {"racks": 1, "books": 0}

    async def test_are_read_without_counting_rows(self, owner: Caller, statements: list[str]) -> None:
        rack = await owner.rack()
        statements.clear()
        await owner.book(rack)
        assert not [statement for statement in statements if "count(" in statement.lower()]
