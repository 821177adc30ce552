import pytest

from insula.core.ids import new_id
from tests.support.factories import TenantRow
from tests.tenants.conftest import Join, PlaceOf
from tests.tenants.support import ROLES, Caller, Readback, code_of, membership_of, sameness


class TestChangeRole:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_owners_and_admins(self, join: Join, tenant: TenantRow, role: str, place_of: PlaceOf) -> None:
        member = await join(tenant, "member")
        answer = await (await join(tenant, role)).patch(await place_of(member), {"role": "viewer"})
        if role in {"owner", "admin"}:
            assert (answer.status_code, answer.json()["role"], answer.headers["etag"]) == (200, "viewer", '"2"')
        else:
            assert code_of(answer) == (403, "forbidden")
        expected = "viewer" if role in {"owner", "admin"} else "member"
        assert (await member.get(await place_of(member))).json()["role"] == expected

    @pytest.mark.parametrize("role", ROLES)
    async def test_to_a_role_above_the_callers_is_refused(
        self, join: Join, tenant: TenantRow, role: str, place_of: PlaceOf
    ) -> None:
        member = await place_of(await join(tenant, "member"))
        by_admin = await (await join(tenant, "admin")).patch(member, {"role": role})
        assert by_admin.status_code == 200 if role != "owner" else code_of(by_admin) == (403, "outranked")
        assert (await (await join(tenant, "owner")).patch(member, {"role": role})).status_code == 200

    async def test_of_a_member_with_a_higher_role_is_refused(
        self, owner: Caller, join: Join, tenant: TenantRow, place_of: PlaceOf
    ) -> None:
        admin, other = await join(tenant, "admin"), await join(tenant, "admin")
        assert code_of(await admin.patch(await place_of(owner), {"role": "viewer"})) == (403, "outranked")
        assert (await admin.patch(await place_of(other), {"role": "viewer"})).status_code == 200

    async def test_nobody_raises_their_own_role(self, join: Join, tenant: TenantRow, place_of: PlaceOf) -> None:
        admin = await join(tenant, "admin")
        assert code_of(await admin.patch(await place_of(admin), {"role": "owner"})) == (403, "outranked")
        assert (await admin.patch(await place_of(admin), {"role": "viewer"})).status_code == 200

    async def test_of_the_last_owner_is_refused(
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

    async def test_of_another_tenants_member_is_not_found(
        self, owner: Caller, stranger: Caller, place_of: PlaceOf
    ) -> None:
        path = await place_of(stranger)
        assert code_of(await owner.patch(path, {"role": "viewer"})) == (404, "not_found")
        assert (await stranger.get(path)).json()["role"] == "owner"

    @pytest.mark.parametrize("body", [{}, {"role": "god"}, {"role": None}, {"name": "Ada"}])
    async def test_refuses_an_unknown_role(self, owner: Caller, body: object, place_of: PlaceOf) -> None:
        assert (await owner.patch(await place_of(owner), body)).status_code == 422


class TestTransferOwnership:
    async def test_makes_the_recipient_owner_and_the_caller_admin(
        self, owner: Caller, join: Join, tenant: TenantRow, readback: Readback
    ) -> None:
        heir = await join(tenant, "viewer")
        answer = await owner.post("/tenant/ownership", {"member_id": await membership_of(readback, heir)})
        assert (answer.status_code, answer.json()["email"], answer.json()["role"]) == (200, heir.user.email, "owner")
        roles = await readback("select user_id, role from membership where tenant_id = :id", id=tenant.id)
        assert {row["user_id"]: row["role"] for row in roles} == {owner.user.id: "admin", heir.user.id: "owner"}

    @pytest.mark.parametrize("role", ROLES)
    async def test_is_only_for_owners(self, join: Join, tenant: TenantRow, readback: Readback, role: str) -> None:
        await join(tenant, "owner")
        heir = await join(tenant, "member")
        body = {"member_id": await membership_of(readback, heir)}
        answer = await (await join(tenant, role)).post("/tenant/ownership", body)
        assert answer.status_code == 200 if role == "owner" else code_of(answer) == (403, "forbidden")

    async def test_to_an_owner_is_refused(
        self, owner: Caller, join: Join, tenant: TenantRow, readback: Readback
    ) -> None:
        for other in (owner, await join(tenant, "owner")):
            answer = await owner.post("/tenant/ownership", {"member_id": await membership_of(readback, other)})
            assert code_of(answer) == (409, "already_owner")

    async def test_to_somebody_outside_the_tenant_is_refused(
        self, owner: Caller, stranger: Caller, readback: Readback
    ) -> None:
        foreign = await owner.post("/tenant/ownership", {"member_id": await membership_of(readback, stranger)})
        assert sameness(foreign) == sameness(await owner.post("/tenant/ownership", {"member_id": str(new_id())}))
        assert code_of(foreign) == (404, "not_found")


class TestRecord:
    async def test_names_actor_member_and_both_roles(
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
