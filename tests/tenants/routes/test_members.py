from collections.abc import Awaitable, Callable

import pytest

from insula.ids import new_id
from tests.support.factories import Factories, TenantRow
from tests.tenants.conftest import Join
from tests.tenants.support import READERS, ROLES, Caller, Readback, code_of, membership_of, sameness

PlaceOf = Callable[[Caller], Awaitable[str]]


@pytest.fixture
def place_of(readback: Readback) -> PlaceOf:
    """Return the path of a caller's own membership."""

    async def run(caller: Caller) -> str:
        return f"/members/{await membership_of(readback, caller)}"

    return run


class TestList:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_those_who_read(self, join: Join, tenant: TenantRow, role: str) -> None:
        caller = await join(tenant, role)
        answer = await caller.get("/members")
        if role in READERS:
            assert [(m["email"], m["role"]) for m in answer.json()["items"]] == [(caller.user.email, role)]
        else:
            assert code_of(answer) == (403, "forbidden")

    async def test_tells_what_a_tenant_may_know_of_a_member(self, owner: Caller) -> None:
        [member] = (await owner.get("/members")).json()["items"]
        assert set(member) == {"id", "user_id", "email", "name", "role", "created_at"}
        assert (member["user_id"], member["name"]) == (str(owner.user.id), owner.user.name)

    async def test_holds_no_other_tenants(self, owner: Caller, stranger: Caller) -> None:
        assert [m["email"] for m in await owner.walk("/members", limit=10)] == [owner.user.email]
        assert [m["email"] for m in await stranger.walk("/members", limit=10)] == [stranger.user.email]

    @pytest.mark.parametrize("sort_by", ["created_at", "-created_at", "name", "-name", "email", "-email"])
    async def test_walk_visits_each_once_in_order_also_through_ties(
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

    async def test_is_one_query_however_long(
        self, owner: Caller, make: Factories, tenant: TenantRow, statements: list[str]
    ) -> None:
        for _ in range(5):
            await make.member(tenant)
        for limit in (1, 100):
            statements.clear()
            await owner.get("/members", limit=limit)
            assert len(statements) == 1

    @pytest.mark.parametrize("params", [{"role": "god"}, {"sort_by": "user_id"}, {"limit": -1}])
    async def test_refuses_what_is_out_of_bounds(self, owner: Caller, params: dict[str, object]) -> None:
        assert (await owner.get("/members", **params)).status_code == 422


class TestRead:
    async def test_is_what_the_list_tells(
        self, owner: Caller, join: Join, tenant: TenantRow, place_of: PlaceOf
    ) -> None:
        viewer = await join(tenant, "viewer")
        for caller in (owner, viewer):
            path = await place_of(viewer)
            answer = await caller.get(path)
            [listed] = [m for m in (await caller.get("/members")).json()["items"] if path.endswith(m["id"])]
            assert (answer.status_code, answer.json(), answer.headers["etag"]) == (200, listed, '"1"')

    async def test_of_another_tenant_is_not_there(self, owner: Caller, stranger: Caller, place_of: PlaceOf) -> None:
        foreign = await owner.get(await place_of(stranger))
        assert sameness(foreign) == sameness(await owner.get(f"/members/{new_id()}"))
        assert foreign.status_code == 404


class TestChangeRole:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_owner_and_admin(self, join: Join, tenant: TenantRow, role: str, place_of: PlaceOf) -> None:
        member = await join(tenant, "member")
        answer = await (await join(tenant, role)).patch(await place_of(member), {"role": "viewer"})
        if role in {"owner", "admin"}:
            assert (answer.status_code, answer.json()["role"], answer.headers["etag"]) == (200, "viewer", '"2"')
        else:
            assert code_of(answer) == (403, "forbidden")
        expected = "viewer" if role in {"owner", "admin"} else "member"
        assert (await member.get(await place_of(member))).json()["role"] == expected

    @pytest.mark.parametrize("role", ROLES)
    async def test_gives_no_role_above_ones_own(
        self, join: Join, tenant: TenantRow, role: str, place_of: PlaceOf
    ) -> None:
        member = await place_of(await join(tenant, "member"))
        by_admin = await (await join(tenant, "admin")).patch(member, {"role": role})
        assert by_admin.status_code == 200 if role != "owner" else code_of(by_admin) == (403, "outranked")
        assert (await (await join(tenant, "owner")).patch(member, {"role": role})).status_code == 200

    async def test_touches_nobody_who_outranks_one(
        self, owner: Caller, join: Join, tenant: TenantRow, place_of: PlaceOf
    ) -> None:
        admin, other = await join(tenant, "admin"), await join(tenant, "admin")
        assert code_of(await admin.patch(await place_of(owner), {"role": "viewer"})) == (403, "outranked")
        assert (await admin.patch(await place_of(other), {"role": "viewer"})).status_code == 200

    async def test_nobody_raises_themselves(self, join: Join, tenant: TenantRow, place_of: PlaceOf) -> None:
        admin = await join(tenant, "admin")
        assert code_of(await admin.patch(await place_of(admin), {"role": "owner"})) == (403, "outranked")
        assert (await admin.patch(await place_of(admin), {"role": "viewer"})).status_code == 200

    async def test_the_last_owner_stays_one(
        self, owner: Caller, join: Join, tenant: TenantRow, place_of: PlaceOf
    ) -> None:
        path = await place_of(owner)
        assert code_of(await owner.patch(path, {"role": "admin"})) == (409, "last_owner")
        assert (await owner.patch(path, {"role": "owner"})).status_code == 200
        await join(tenant, "owner")
        assert (await owner.patch(path, {"role": "admin"})).status_code == 200

    async def test_with_a_stale_version_is_refused(
        self, owner: Caller, join: Join, tenant: TenantRow, place_of: PlaceOf
    ) -> None:
        path = await place_of(await join(tenant, "member"))
        tag = (await owner.get(path)).headers["etag"]
        assert (await owner.patch(path, {"role": "viewer"}, if_match=tag)).status_code == 200
        assert code_of(await owner.patch(path, {"role": "admin"}, if_match=tag)) == (412, "precondition_failed")
        assert (await owner.get(path)).json()["role"] == "viewer"

    async def test_of_another_tenants_member_is_not_there(
        self, owner: Caller, stranger: Caller, place_of: PlaceOf
    ) -> None:
        path = await place_of(stranger)
        assert code_of(await owner.patch(path, {"role": "viewer"})) == (404, "not_found")
        assert (await stranger.get(path)).json()["role"] == "owner"

    @pytest.mark.parametrize("body", [{}, {"role": "god"}, {"role": None}, {"name": "Ada"}])
    async def test_refuses_what_is_no_role(self, owner: Caller, body: object, place_of: PlaceOf) -> None:
        assert (await owner.patch(await place_of(owner), body)).status_code == 422


class TestRemove:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_owner_and_admin(
        self, join: Join, tenant: TenantRow, role: str, readback: Readback, place_of: PlaceOf
    ) -> None:
        member = await join(tenant, "member")
        answer = await (await join(tenant, role)).delete(await place_of(member))
        left = await readback("select id from membership where user_id = :id", id=member.user.id)
        if role in {"owner", "admin"}:
            assert (answer.status_code, left) == (204, [])
        else:
            assert (*code_of(answer), len(left)) == (403, "forbidden", 1)

    async def test_spares_who_outranks_one(
        self, owner: Caller, join: Join, tenant: TenantRow, place_of: PlaceOf
    ) -> None:
        admin, other = await join(tenant, "admin"), await join(tenant, "admin")
        assert code_of(await admin.delete(await place_of(owner))) == (403, "outranked")
        assert (await admin.delete(await place_of(other))).status_code == 204

    async def test_spares_the_last_owner(self, owner: Caller, join: Join, tenant: TenantRow, place_of: PlaceOf) -> None:
        second = await join(tenant, "owner")
        assert (await owner.delete(await place_of(second))).status_code == 204
        assert code_of(await owner.delete(await place_of(owner))) == (409, "last_owner")

    async def test_leaves_the_removed_ones_items_unassigned(
        self, owner: Caller, join: Join, tenant: TenantRow, readback: Readback, place_of: PlaceOf
    ) -> None:
        member = await join(tenant, "member")
        item = await owner.item(await owner.project(), assignee_id=await membership_of(readback, member))
        assert (await owner.delete(await place_of(member))).status_code == 204
        assert (await owner.get(item)).json()["assignee_id"] is None

    async def test_with_a_stale_version_is_refused(
        self, owner: Caller, join: Join, tenant: TenantRow, place_of: PlaceOf
    ) -> None:
        path = await place_of(await join(tenant, "member"))
        assert code_of(await owner.delete(path, if_match='"7"')) == (412, "precondition_failed")
        assert (await owner.delete(path, if_match='"1"')).status_code == 204

    async def test_of_another_tenants_member_is_not_there(
        self, owner: Caller, stranger: Caller, place_of: PlaceOf
    ) -> None:
        path = await place_of(stranger)
        assert code_of(await owner.delete(path)) == (404, "not_found")
        assert (await stranger.get(path)).status_code == 200


class TestLeave:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_everybody(self, owner: Caller, join: Join, tenant: TenantRow, role: str) -> None:
        leaver = await join(tenant, role)
        assert (await leaver.delete("/members/me")).status_code == 204
        assert [m["user_id"] for m in (await owner.get("/members")).json()["items"]] == [str(owner.user.id)]
        assert (await leaver.delete("/members/me")).status_code == 403

    async def test_the_last_owner_stays(self, owner: Caller, join: Join, tenant: TenantRow) -> None:
        await join(tenant, "admin")
        assert code_of(await owner.delete("/members/me")) == (409, "last_owner")
        assert (await owner.get("/members")).status_code == 200

    async def test_leaves_other_tenants_alone(self, owner: Caller, make: Factories, readback: Readback) -> None:
        await make.member(owner.home, role="owner")
        await make.member(await make.tenant(), role="viewer", user=owner.user)
        assert (await owner.delete("/members/me")).status_code == 204
        assert await readback("select role from membership where user_id = :id", id=owner.user.id) == [
            {"role": "viewer"}
        ]


class TestTransferOwnership:
    async def test_makes_the_heir_owner_and_the_caller_admin(
        self, owner: Caller, join: Join, tenant: TenantRow, readback: Readback
    ) -> None:
        heir = await join(tenant, "viewer")
        answer = await owner.post("/tenant/ownership", {"member_id": await membership_of(readback, heir)})
        assert (answer.status_code, answer.json()["email"], answer.json()["role"]) == (200, heir.user.email, "owner")
        roles = await readback("select user_id, role from membership where tenant_id = :id", id=tenant.id)
        assert {row["user_id"]: row["role"] for row in roles} == {owner.user.id: "admin", heir.user.id: "owner"}

    @pytest.mark.parametrize("role", ROLES)
    async def test_is_the_owners_alone(self, join: Join, tenant: TenantRow, readback: Readback, role: str) -> None:
        await join(tenant, "owner")
        heir = await join(tenant, "member")
        body = {"member_id": await membership_of(readback, heir)}
        answer = await (await join(tenant, role)).post("/tenant/ownership", body)
        assert answer.status_code == 200 if role == "owner" else code_of(answer) == (403, "forbidden")

    async def test_needs_somebody_who_is_no_owner(
        self, owner: Caller, join: Join, tenant: TenantRow, readback: Readback
    ) -> None:
        for other in (owner, await join(tenant, "owner")):
            answer = await owner.post("/tenant/ownership", {"member_id": await membership_of(readback, other)})
            assert code_of(answer) == (409, "already_owner")

    async def test_goes_to_no_stranger(self, owner: Caller, stranger: Caller, readback: Readback) -> None:
        foreign = await owner.post("/tenant/ownership", {"member_id": await membership_of(readback, stranger)})
        assert sameness(foreign) == sameness(await owner.post("/tenant/ownership", {"member_id": str(new_id())}))
        assert code_of(foreign) == (404, "not_found")


class TestRecord:
    async def test_says_who_changed_whose_role_from_what_to_what(
        self, owner: Caller, join: Join, tenant: TenantRow, readback: Readback, place_of: PlaceOf
    ) -> None:
        member, heir, leaver = [await join(tenant, "member") for _ in range(3)]
        await owner.patch(await place_of(member), {"role": "viewer"})
        await owner.delete(await place_of(member))
        await leaver.delete("/members/me")
        await owner.post("/tenant/ownership", {"member_id": await membership_of(readback, heir)})
        events = await readback(
            "select action, actor_id, before, after from audit_event where tenant_id = :id order by sequence",
            id=tenant.id,
        )
        whole = {"role": "viewer", "email": member.user.email, "user_id": str(member.user.id)}
        left = {"role": "member", "email": leaver.user.email, "user_id": str(leaver.user.id)}
        owners = ({"owner": owner.user.email}, {"owner": heir.user.email})
        assert [tuple(event.values()) for event in events] == [
            ("member.role_changed", owner.user.id, {"role": "member"}, {"role": "viewer"}),
            ("member.removed", owner.user.id, whole, None),
            ("member.left", leaver.user.id, left, None),
            ("ownership.transferred", owner.user.id, *owners),
        ]
