"""Staff read, suspend and reactivate tenants."""

import asyncio

import httpx
import pytest

from insula.core.ids import new_id
from insula.core.text.fields import MAX_SEARCH
from tests.support.app import SignIn
from tests.support.factories import Factories, TenantRow
from tests.support.provider import Readback
from tests.support.staff import Caller, Hire, code_of
from tests.support.waiting import answers

STAFF_ROLES = ("superuser", "support", "auditor")


@pytest.fixture
async def tenant(make: Factories) -> TenantRow:
    return await make.tenant()


async def status_of(readback: Readback, tenant: TenantRow) -> dict[str, object]:
    (row,) = await readback("select status, version from tenant where id = :id", id=tenant.id)
    return row


class TestList:
    @pytest.mark.parametrize("role", STAFF_ROLES)
    async def test_all_staff_find_a_tenant_by_a_part_of_its_slug_or_name(
        self, hire: Hire, make: Factories, role: str
    ) -> None:
        word = new_id().hex
        by_slug = await make.tenant(slug=f"x-{word}", name="One")
        by_name = await make.tenant(name=f"Two {word.upper()} Ltd", plan="pro")

        page = (await (await hire(role)).get("/tenants", search=word, sort_by="name")).json()

        assert [found["id"] for found in page["items"]] == [str(by_slug.id), str(by_name.id)]
        assert (page["total"], page["skip"], page["limit"]) == (2, 0, 20)
        assert page["items"][1]["plan"] == "pro"

    async def test_the_times_of_creation_and_change_filter_tenants_and_their_total(
        self, superuser: Caller, make: Factories
    ) -> None:
        word = new_id().hex
        first, second = [str((await make.tenant(name=f"{word} {number}")).id) for number in range(2)]
        shown = (await superuser.get(f"/tenants/{second}")).json()
        await superuser.send("POST", f"/tenants/{first}/suspend")
        changed = (await superuser.get(f"/tenants/{first}")).json()["updated_at"]

        async def found(**params: str) -> tuple[list[str], int]:
            page = (await superuser.get("/tenants", search=word, sort_by="created_at", **params)).json()
            return [one["id"] for one in page["items"]], page["total"]

        assert await found() == ([first, second], 2)
        assert await found(created_since=shown["created_at"]) == ([second], 1)
        assert await found(created_until=shown["created_at"]) == ([first], 1)
        assert await found(updated_since=changed) == ([first], 1)

    async def test_skip_and_limit_return_each_tenant_once(self, superuser: Caller, make: Factories) -> None:
        word = new_id().hex
        made = [str((await make.tenant(name=f"{word} {number}")).id) for number in range(5)]

        pages = [
            (await superuser.get("/tenants", search=word, sort_by="name", skip=skip, limit=2)).json()
            for skip in (0, 2, 4, 6)
        ]

        assert [found["id"] for page in pages for found in page["items"]] == made
        assert {page["total"] for page in pages} == {5}

    @pytest.mark.parametrize("field", ["created_at", "name", "slug"])
    async def test_each_order_has_its_reverse(self, superuser: Caller, make: Factories, field: str) -> None:
        word = new_id().hex
        for number in range(3):
            await make.tenant(name=f"{word} {number}", slug=f"s{9 - number}-{word}")

        up = (await superuser.get("/tenants", search=word, sort_by=field)).json()["items"]
        down = (await superuser.get("/tenants", search=word, sort_by=f"-{field}")).json()["items"]

        assert len(up) == 3
        assert [found[field] for found in up] == sorted(found[field] for found in up)
        assert down == up[::-1]

    async def test_status_and_plan_narrow_the_list(self, superuser: Caller, make: Factories) -> None:
        word = new_id().hex
        suspended = await make.tenant(name=f"{word} a", status="suspended")
        on_pro = await make.tenant(name=f"{word} b", plan="pro")

        by_status = (await superuser.get("/tenants", search=word, status="suspended")).json()["items"]
        by_plan = (await superuser.get("/tenants", search=word, plan="pro")).json()["items"]

        assert [found["id"] for found in by_status] == [str(suspended.id)]
        assert [found["id"] for found in by_plan] == [str(on_pro.id)]

    @pytest.mark.parametrize(
        "params",
        [
            {"sort_by": "status"},
            {"sort_by": "name; drop table tenant"},
            {"limit": 0},
            {"limit": 101},
            {"limit": -1},
            {"skip": -1},
            {"skip": 2**63},
            {"search": ""},
            {"search": "x" * (MAX_SEARCH + 1)},
            {"status": "gone"},
            {"cursor": "x"},
        ],
        ids=str,
    )
    async def test_invalid_parameters_are_refused(self, superuser: Caller, params: dict[str, str | int]) -> None:
        answer = await superuser.get("/tenants", **params)

        assert code_of(answer) == (422, "invalid_request")
        assert answer.json()["field_errors"]

    @pytest.mark.parametrize("text", ["%", "_", "\\", "' or 1=1 --", "%%%"])
    async def test_search_characters_are_no_wildcards(self, superuser: Caller, make: Factories, text: str) -> None:
        word = new_id().hex
        holder = await make.tenant(name=f"{word} {text} here")
        await make.tenant(name=f"{word} other here")

        found = (await superuser.get("/tenants", search=f"{word} {text} h")).json()["items"]

        assert [each["id"] for each in found] == [str(holder.id)]


class TestRead:
    @pytest.mark.parametrize("role", STAFF_ROLES)
    async def test_a_tenant_is_shown_with_the_counts_of_its_own_rows(
        self, hire: Hire, make: Factories, tenant: TenantRow, readback: Readback, role: str
    ) -> None:
        other = await make.tenant()
        for place, racks in ((tenant, 2), (other, 3)):
            for _ in range(racks):
                await make.member(place)
                await self._rack(readback, place)

        answer = await (await hire(role)).get(f"/tenants/{tenant.id}")

        assert answer.status_code == 200
        found = answer.json()
        assert (found["members"], found["racks"], found["books"]) == (2, 2, 2)
        assert (found["slug"], found["status"], found["plan"]) == (tenant.slug, "active", "free")

    async def test_an_unknown_tenant_is_not_found(self, superuser: Caller) -> None:
        assert code_of(await superuser.get(f"/tenants/{new_id()}")) == (404, "not_found")
        assert code_of(await superuser.get("/tenants/acme")) == (422, "invalid_request")

    async def _rack(self, readback: Readback, tenant: TenantRow) -> None:
        rack = new_id()
        await readback(
            "insert into rack (tenant_id, id, created_at, updated_at, version, name, description, status) "
            "values (:tenant, :id, now(), now(), 1, :name, '', 'active')",
            tenant=tenant.id,
            id=rack,
            name=rack.hex,
        )
        await readback(
            "insert into book (tenant_id, id, created_at, updated_at, version, rack_id, title, body, "
            "status, position) values (:tenant, :id, now(), now(), 1, :rack, 'x', '', 'open', 0)",
            tenant=tenant.id,
            id=new_id(),
            rack=rack,
        )


class TestSuspend:
    @pytest.mark.parametrize("role", ["superuser", "support"])
    async def test_a_suspended_tenant_is_refused_at_once_in_every_process(
        self,
        hire: Hire,
        client: httpx.AsyncClient,
        other_process: httpx.AsyncClient,
        sign_in: SignIn,
        make: Factories,
        tenant: TenantRow,
        role: str,
    ) -> None:
        owner = await sign_in(await make.member(tenant, role="owner"), tenant)
        bystander = await make.tenant()
        stranger = await sign_in(await make.member(bystander, role="owner"), bystander)

        async def here() -> httpx.Response:
            return await client.get("/api/v1/tenant", headers=owner)

        async def there() -> httpx.Response:
            return await other_process.get("/api/v1/tenant", headers=owner)

        assert [(await ask()).status_code for ask in (here, there)] == [200, 200]

        answer = await (await hire(role)).post(f"/tenants/{tenant.id}/suspend")

        assert (answer.status_code, answer.json()["status"], answer.json()["version"]) == (200, "suspended", 2)
        await answers(403, here)
        await answers(403, there)
        assert code_of(await there()) == (403, "tenant_suspended")
        assert (await other_process.get("/api/v1/tenant", headers=stranger)).status_code == 200

        again = await (await hire("superuser")).post(f"/tenants/{tenant.id}/reactivate")

        assert (again.status_code, again.json()["status"], again.json()["version"]) == (200, "active", 3)
        await answers(200, here)
        await answers(200, there)

    async def test_repeating_a_suspension_or_reactivation_changes_nothing(
        self, superuser: Caller, tenant: TenantRow, readback: Readback
    ) -> None:
        for verb, status, version in (("reactivate", "active", 1), ("suspend", "suspended", 2)):
            for _ in range(2):
                answer = await superuser.post(f"/tenants/{tenant.id}/{verb}")

                assert (answer.status_code, answer.json()["version"]) == (200, version)
                assert await status_of(readback, tenant) == {"status": status, "version": version}

    async def test_twenty_concurrent_suspensions_change_it_once(
        self, superuser: Caller, tenant: TenantRow, readback: Readback
    ) -> None:
        posts = await asyncio.gather(*(superuser.post(f"/tenants/{tenant.id}/suspend") for _ in range(20)))

        assert {answer.status_code for answer in posts} == {200}
        assert await status_of(readback, tenant) == {"status": "suspended", "version": 2}

    async def test_an_idempotency_key_gives_the_same_answer(
        self, superuser: Caller, tenant: TenantRow, readback: Readback
    ) -> None:
        key = new_id().hex
        first = await superuser.post(f"/tenants/{tenant.id}/suspend", idempotency_key=key)
        await superuser.post(f"/tenants/{tenant.id}/reactivate")

        replayed = await superuser.post(f"/tenants/{tenant.id}/suspend", idempotency_key=key)

        assert (replayed.status_code, replayed.json()) == (200, first.json())
        assert await status_of(readback, tenant) == {"status": "active", "version": 3}

    @pytest.mark.parametrize(
        ("role", "verb"), [("auditor", "suspend"), ("auditor", "reactivate"), ("support", "reactivate")]
    )
    async def test_a_role_without_the_permission_may_not_suspend_or_reactivate(
        self, hire: Hire, superuser: Caller, tenant: TenantRow, readback: Readback, role: str, verb: str
    ) -> None:
        refused = await (await hire(role)).post(f"/tenants/{tenant.id}/{verb}")

        assert code_of(refused) == (403, "forbidden")
        assert await status_of(readback, tenant) == {"status": "active", "version": 1}
        assert (await superuser.post(f"/tenants/{tenant.id}/{verb}")).status_code == 200

    async def test_a_tenants_owner_is_refused(
        self, client: httpx.AsyncClient, make: Factories, sign_in: SignIn, tenant: TenantRow, readback: Readback
    ) -> None:
        owner = await make.member(tenant, role="owner")
        for place in (None, tenant):
            caller = Caller(client, owner, await sign_in(owner, place, "admin"))
            for path in ("/tenants", f"/tenants/{tenant.id}", "/users", f"/users/{owner.id}"):
                assert code_of(await caller.get(path)) == (403, "forbidden")
            for path in (f"/tenants/{tenant.id}/suspend", f"/users/{owner.id}/suspend"):
                assert code_of(await caller.post(path)) == (403, "forbidden")
        assert await status_of(readback, tenant) == {"status": "active", "version": 1}

    async def test_an_unknown_tenant_is_not_found(self, superuser: Caller) -> None:
        for verb in ("suspend", "reactivate"):
            assert code_of(await superuser.post(f"/tenants/{new_id()}/{verb}")) == (404, "not_found")
