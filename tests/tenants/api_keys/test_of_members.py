"""API keys of former members: listed when a member is removed, and revoked with one call."""

import asyncio

import pytest

from insula.core.ids import new_id
from tests.support.factories import TenantRow
from tests.tenants.api_keys.support import IMPORT, MANAGERS, made, status_with
from tests.tenants.conftest import Hire, Join
from tests.tenants.support import ROLES, Caller, Readback, code_of, membership_of, sameness


async def removed(owner: Caller, member: Caller, readback: Readback) -> tuple[int, list[object]]:
    answer = await owner.delete(f"/members/{await membership_of(readback, member)}")
    return answer.status_code, [key["id"] for key in answer.json()["items"]] if answer.content else []


async def revoke_of(caller: Caller, member: Caller) -> tuple[int, list[object]]:
    answer = await caller.post("/api-keys/revoke", {"created_by": str(member.user.id)})
    return answer.status_code, [key["id"] for key in answer.json().get("items", [])]


class TestRemoval:
    async def test_lists_the_live_keys_that_the_member_created(
        self, owner: Caller, join: Join, tenant: TenantRow, readback: Readback
    ) -> None:
        admin = await join(tenant, "admin")
        keys = [await made(admin) for _ in range(3)]
        await made(owner)
        await owner.delete(f"/api-keys/{keys[0]['id']}")

        assert await removed(owner, admin, readback) == (200, [keys[2]["id"], keys[1]["id"]])
        assert await status_with(owner, keys[1]["key"]) == 200

    async def test_lists_nothing_for_a_member_without_keys(
        self, owner: Caller, join: Join, tenant: TenantRow, readback: Readback
    ) -> None:
        await made(owner)
        assert await removed(owner, await join(tenant, "admin"), readback) == (204, [])

    async def test_lists_them_only_to_callers_who_may_read_keys(
        self, owner: Caller, hire: Hire, readback: Readback
    ) -> None:
        makes = ("api_key:create", "rack:read")
        members = [await hire(*makes), await hire(*makes)]
        keys = [await made(member) for member in members]
        await made(owner)
        remover, seer = await hire("member:delete", *makes), await hire("member:delete", "api_key:read", *makes)

        assert await removed(remover, members[0], readback) == (204, [])
        assert await removed(seer, members[1], readback) == (200, [keys[1]["id"]])


class TestList:
    async def test_filters_by_the_creator(self, owner: Caller, join: Join, tenant: TenantRow) -> None:
        admin = await join(tenant, "admin")
        keys = {caller.user.id: await made(caller) for caller in (owner, admin)}
        for user_id, key in keys.items():
            [listed] = (await owner.get("/api-keys", created_by=str(user_id))).json()["items"]
            assert listed["id"] == key["id"]


class TestRevoke:
    async def test_ends_all_live_keys_of_a_former_member_and_no_others(
        self, owner: Caller, join: Join, tenant: TenantRow, readback: Readback
    ) -> None:
        admin, own = await join(tenant, "admin"), await made(owner)
        keys = [await made(admin) for _ in range(3)]
        await removed(owner, admin, readback)

        assert await revoke_of(owner, admin) == (200, [key["id"] for key in reversed(keys)])

        assert [await status_with(owner, key["key"]) for key in keys] == [401] * 3
        assert await status_with(owner, own["key"]) == 200
        events = await readback(
            "select object_id from audit_event where tenant_id = :id and action = 'api_key.revoked'", id=tenant.id
        )
        assert {event["object_id"] for event in events} == {key["id"] for key in keys}

    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_managers(self, owner: Caller, join: Join, tenant: TenantRow, role: str) -> None:
        await made(owner)
        status, _ = await revoke_of(await join(tenant, role), owner)
        assert status == (200 if role in MANAGERS else 403)

    async def test_users_of_another_tenant_get_the_answer_of_unknown_ones(
        self, owner: Caller, stranger: Caller
    ) -> None:
        issued = await made(stranger)
        foreign = await owner.post("/api-keys/revoke", {"created_by": str(stranger.user.id)})
        nobody = await owner.post("/api-keys/revoke", {"created_by": str(new_id())})

        assert code_of(foreign) == (404, "not_found")
        assert sameness(foreign) == sameness(nobody)
        assert await status_with(stranger, issued["key"]) == 200

    async def test_no_key_created_during_the_removal_of_its_creator_survives(
        self, owner: Caller, join: Join, tenant: TenantRow, readback: Readback
    ) -> None:
        for _ in range(4):
            admin = await join(tenant, "admin")
            await made(admin)

            async def end(admin: Caller = admin) -> None:
                await removed(owner, admin, readback)
                assert (await revoke_of(owner, admin))[0] == 200

            await asyncio.gather(end(), *(admin.post("/api-keys", IMPORT) for _ in range(6)))

            left = "select 1 from api_key where created_by = :id and revoked_at is null"
            assert await readback(left, id=admin.user.id) == []
