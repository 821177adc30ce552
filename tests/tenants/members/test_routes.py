import pytest

from insula.core.ids import new_id
from tests.support.factories import Factories, TenantRow
from tests.tenants.conftest import Join, PlaceOf
from tests.tenants.support import READERS, ROLES, Caller, code_of, sameness


class TestList:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_readers(self, join: Join, tenant: TenantRow, role: str) -> None:
        caller = await join(tenant, role)
        answer = await caller.get("/members")
        if role in READERS:
            assert [(m["email"], m["role"]) for m in answer.json()["items"]] == [(caller.user.email, role)]
        else:
            assert code_of(answer) == (403, "forbidden")

    async def test_shows_only_the_public_fields_of_a_member(self, owner: Caller) -> None:
        [member] = (await owner.get("/members")).json()["items"]
        assert set(member) == {"id", "user_id", "email", "name", "role", "created_at", "version"}
        assert (member["user_id"], member["name"]) == (str(owner.user.id), owner.user.name)

    async def test_contains_no_member_of_another_tenant(self, owner: Caller, stranger: Caller) -> None:
        assert [m["email"] for m in await owner.walk("/members", limit=10)] == [owner.user.email]
        assert [m["email"] for m in await stranger.walk("/members", limit=10)] == [stranger.user.email]

    @pytest.mark.parametrize("sort_by", ["created_at", "-created_at", "name", "-name", "email", "-email"])
    async def test_following_the_cursors_returns_each_member_once_in_order_with_ties(
        self, owner: Caller, make: Factories, tenant: TenantRow, sort_by: str
    ) -> None:
        for number in range(9):
            await make.member(tenant, user=await make.user(name=f"Name {number % 3}"))
        whole = (await owner.get("/members", sort_by=sort_by)).json()["items"]
        assert len({member["id"] for member in whole}) == 10
        for limit in (1, 3, 10):
            assert await owner.walk("/members", sort_by=sort_by, limit=limit) == whole
        backwards = sort_by.removeprefix("-") if sort_by.startswith("-") else f"-{sort_by}"
        assert await owner.walk("/members", sort_by=backwards, limit=4) == whole[::-1]

    async def test_filters_by_role_and_search(self, owner: Caller, make: Factories, tenant: TenantRow) -> None:
        ada = await make.member(tenant, role="viewer", user=await make.user(name="Ada Lovelace"))
        await make.member(tenant, role="member", user=await make.user(name="Charles"))

        async def emails(**params: str) -> list[str]:
            return [member["email"] for member in await owner.walk("/members", limit=10, **params)]

        assert await emails(role="viewer") == [ada.email]
        assert await emails(search="LOVE") == [ada.email]
        assert await emails(search=ada.email[:20]) == [ada.email]
        assert await emails(search="%love%") == []

    async def test_costs_one_query_for_any_length(
        self, owner: Caller, make: Factories, tenant: TenantRow, statements: list[str]
    ) -> None:
        for _ in range(5):
            await make.member(tenant)
        for limit in (1, 100):
            statements.clear()
            await owner.get("/members", limit=limit)
            assert len(statements) == 1

    @pytest.mark.parametrize("params", [{"role": "no role"}, {"sort_by": "user_id"}, {"limit": -1}])
    async def test_refuses_invalid_parameters(self, owner: Caller, params: dict[str, object]) -> None:
        assert (await owner.get("/members", **params)).status_code == 422


class TestRead:
    async def test_equals_the_entry_in_the_list(
        self, owner: Caller, join: Join, tenant: TenantRow, place_of: PlaceOf
    ) -> None:
        viewer = await join(tenant, "viewer")
        for caller in (owner, viewer):
            path = await place_of(viewer)
            answer = await caller.get(path)
            [listed] = [m for m in (await caller.get("/members")).json()["items"] if path.endswith(m["id"])]
            assert (answer.status_code, answer.json(), answer.headers["etag"]) == (200, listed, '"1"')

    async def test_of_another_tenants_member_is_not_found(
        self, owner: Caller, stranger: Caller, place_of: PlaceOf
    ) -> None:
        foreign = await owner.get(await place_of(stranger))
        assert sameness(foreign) == sameness(await owner.get(f"/members/{new_id()}"))
        assert foreign.status_code == 404
