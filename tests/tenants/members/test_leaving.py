import pytest

from tests.support.factories import Factories, TenantRow
from tests.tenants.conftest import Join, PlaceOf
from tests.tenants.support import ROLES, Caller, Readback, code_of, membership_of


class TestRemove:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_owners_and_admins(
        self, join: Join, tenant: TenantRow, role: str, readback: Readback, place_of: PlaceOf
    ) -> None:
        member = await join(tenant, "member")
        answer = await (await join(tenant, role)).delete(await place_of(member))
        left = await readback("select id from membership where user_id = :id", id=member.user.id)
        if role in {"owner", "admin"}:
            assert (answer.status_code, left) == (204, [])
        else:
            assert (*code_of(answer), len(left)) == (403, "forbidden", 1)

    async def test_of_a_higher_role_is_refused(
        self, owner: Caller, join: Join, tenant: TenantRow, place_of: PlaceOf
    ) -> None:
        admin, other = await join(tenant, "admin"), await join(tenant, "admin")
        assert code_of(await admin.delete(await place_of(owner))) == (403, "outranked")
        assert (await admin.delete(await place_of(other))).status_code == 204

    async def test_of_the_last_owner_is_refused(
        self, owner: Caller, join: Join, tenant: TenantRow, place_of: PlaceOf
    ) -> None:
        second = await join(tenant, "owner")
        assert (await owner.delete(await place_of(second))).status_code == 204
        assert code_of(await owner.delete(await place_of(owner))) == (409, "last_owner")

    async def test_unassigns_the_books_of_the_removed_member(
        self, owner: Caller, join: Join, tenant: TenantRow, readback: Readback, place_of: PlaceOf
    ) -> None:
        member = await join(tenant, "member")
        book = await owner.book(await owner.rack(), reader_id=await membership_of(readback, member))
        assert (await owner.delete(await place_of(member))).status_code == 204
        assert (await owner.get(book)).json()["reader_id"] is None

    async def test_with_a_stale_version_is_refused(
        self, owner: Caller, join: Join, tenant: TenantRow, place_of: PlaceOf
    ) -> None:
        path = await place_of(await join(tenant, "member"))
        assert code_of(await owner.delete(path, if_match='"7"')) == (412, "precondition_failed")
        assert (await owner.delete(path, if_match='"1"')).status_code == 204

    async def test_of_another_tenants_member_is_not_found(
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

    async def test_is_refused_to_the_last_owner(self, owner: Caller, join: Join, tenant: TenantRow) -> None:
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
