"""A custom role of members: its permissions, its key in answers and the audit log, and the limits on granting it."""

import httpx
import pytest

from tests.support.app import SignIn
from tests.support.apps import INSTALLATION, POLICY
from tests.support.factories import Factories, TenantRow
from tests.support.waiting import answers
from tests.tenants.conftest import Hire, Join, PlaceOf
from tests.tenants.invitations.support import address, invite, invited
from tests.tenants.roles.support import EDITS, RUNS_ROLES, defined, role
from tests.tenants.support import API, Caller, Readback, code_of

OUTRANKED = (403, "outranked")


class TestHolder:
    async def test_has_exactly_the_permissions_of_the_role(self, hire: Hire) -> None:
        editor = await hire(*EDITS)
        rack = await editor.rack()
        assert (await editor.patch(rack, {"name": "Shop"})).status_code == 200
        assert code_of(await editor.delete(rack)) == (403, "forbidden")
        assert code_of(await editor.get("/members")) == (403, "forbidden")
        assert (await editor.get("/tenant")).status_code == 200

    async def test_may_leave(self, hire: Hire) -> None:
        editor = await hire(*EDITS)
        assert (await editor.delete("/members/me")).status_code == 204

    async def test_with_every_assignable_permission_has_less_than_an_owner(
        self, hire: Hire, owner: Caller, place_of: PlaceOf
    ) -> None:
        mighty, place = await hire(*POLICY.published), await place_of(owner)
        body = {"member_id": place.rpartition("/")[2]}
        assert code_of(await mighty.post("/tenant/ownership", body)) == (403, "forbidden")
        assert code_of(await mighty.delete(place)) == OUTRANKED
        assert (await mighty.get("/members")).status_code == 200

    async def test_lacks_a_stored_permission_that_is_not_published(
        self, make: Factories, join: Join, tenant: TenantRow, owner: Caller, place_of: PlaceOf
    ) -> None:
        forged = await make.role(tenant, "ownership:transfer", "rack:read")
        holder = await join(tenant, forged.key)
        body = {"member_id": (await place_of(holder)).rpartition("/")[2]}
        assert code_of(await holder.post("/tenant/ownership", body)) == (403, "forbidden")
        assert (await holder.get("/racks")).status_code == 200
        assert (await owner.post("/tenant/ownership", body)).status_code == 200


class TestKeyOfTheRole:
    async def test_is_shown_like_a_built_in_role(
        self, owner: Caller, join: Join, tenant: TenantRow, make: Factories, client: httpx.AsyncClient, sign_in: SignIn
    ) -> None:
        made = await defined(owner, *EDITS, key="editor")
        editor = await join(tenant, made["key"])
        assert [place["role"] for place in (await editor.get("/me")).json()["memberships"]] == ["editor"]
        listed = (await owner.get("/members", role="editor")).json()["items"]
        assert [(member["user_id"], member["role"]) for member in listed] == [(str(editor.user.id), "editor")]
        assert (await owner.get(await invited(owner, role="editor"))).json()["role"] == "editor"
        staff = await sign_in(await make.staff(), None, "admin")
        detail = (await client.get(f"/admin/v1/users/{editor.user.id}", headers=staff)).json()
        assert [place["role"] for place in detail["memberships"]] == ["editor"]

    async def test_is_in_the_audit_log(
        self, owner: Caller, join: Join, tenant: TenantRow, place_of: PlaceOf, readback: Readback
    ) -> None:
        made = await defined(owner, *EDITS)
        member = await join(tenant, "viewer")
        assert (await owner.patch(await place_of(member), {"role": made["key"]})).status_code == 200
        [event] = await readback(
            "select before, after from audit_event where tenant_id = :id and action = 'member.role_changed'",
            id=tenant.id,
        )
        assert (event["before"], event["after"]) == ({"role": "viewer"}, {"role": made["key"]})

    async def test_of_another_tenant_is_unknown(
        self, owner: Caller, stranger: Caller, join: Join, tenant: TenantRow, place_of: PlaceOf
    ) -> None:
        theirs, own = await defined(stranger, *EDITS), await defined(owner, *EDITS)
        member = await place_of(await join(tenant))
        assert code_of(await owner.patch(member, {"role": theirs["key"]})) == (422, "role_unknown")
        assert code_of(await invite(owner, role=theirs["key"])) == (422, "role_unknown")
        assert (await owner.patch(member, {"role": own["key"]})).status_code == 200
        assert (await invite(owner, role=own["key"])).status_code == 201


class TestInvitation:
    async def test_makes_a_member_with_the_role(
        self, owner: Caller, make: Factories, newcomer: Caller, tenant: TenantRow, sign_in: SignIn
    ) -> None:
        made = await defined(owner, *EDITS)
        _, token = await make.invitation(tenant, owner.user, to=newcomer.user.email, role=made["key"])
        answer = await newcomer.post("/invitations/accept", {"token": token})
        assert (answer.status_code, answer.json()["role"]) == (200, made["key"])
        joined = Caller(newcomer.client, newcomer.user, tenant, await sign_in(newcomer.user, tenant))
        await joined.rack()
        assert code_of(await joined.get("/members")) == (403, "forbidden")

    async def test_is_valid_while_its_inviter_may_grant_the_role(
        self, owner: Caller, hire: Hire, make: Factories, newcomer: Caller, tenant: TenantRow
    ) -> None:
        recruiter, offered = await hire("invitation:create", *EDITS), await defined(owner, *EDITS)
        _, token = await make.invitation(tenant, recruiter.user, to=newcomer.user.email, role=offered["key"])
        widened = {"permissions": [*EDITS, "rack:delete"]}
        assert (await owner.patch(f"/roles/{offered['id']}", widened)).status_code == 200
        accept = {"token": token}
        assert code_of(await newcomer.post("/invitations/accept", accept)) == (404, "invitation_invalid")
        assert (await owner.patch(f"/roles/{offered['id']}", {"permissions": list(EDITS)})).status_code == 200
        assert (await newcomer.post("/invitations/accept", accept)).status_code == 200


class TestRank:
    """A caller who lacks a permission of a role cannot assign it, change it, or change its holders."""

    async def test_limits_the_roles_to_assign(
        self, owner: Caller, hire: Hire, join: Join, tenant: TenantRow, place_of: PlaceOf
    ) -> None:
        viewers = map(str, INSTALLATION.grants["viewer"])
        lead = await hire("member:update", "invitation:create", *viewers, *EDITS)
        below, above = await defined(owner, *EDITS), await defined(owner, *EDITS, "rack:delete")
        member = await place_of(await join(tenant, "viewer"))
        for name in (above["key"], "owner", "admin", "member", "billing_manager"):
            assert code_of(await lead.patch(member, {"role": name})) == OUTRANKED
            assert code_of(await invite(lead, role=name)) == OUTRANKED
        for name in (below["key"], "viewer"):
            assert (await lead.patch(member, {"role": name})).status_code == 200
            assert (await invite(lead, role=name)).status_code == 201

    async def test_limits_the_members_to_change_and_remove(self, owner: Caller, hire: Hire, place_of: PlaceOf) -> None:
        lead = await hire("member:update", "member:delete", *EDITS)
        peer, below = await place_of(await hire("book:read")), await place_of(await hire(*EDITS))
        plain = await defined(owner)
        assert code_of(await lead.patch(peer, {"role": plain["key"]})) == OUTRANKED
        assert code_of(await lead.delete(peer)) == OUTRANKED
        assert (await lead.patch(below, {"role": plain["key"]})).status_code == 200
        assert (await lead.delete(below)).status_code == 204
        assert (await owner.delete(peer)).status_code == 204

    async def test_limits_the_invitations_to_resend_and_revoke(self, owner: Caller, hire: Hire) -> None:
        lead = await hire("invitation:update", "invitation:delete", *EDITS)
        above = await invited(owner, role=(await defined(owner, "book:read"))["key"])
        below = await invited(owner, role=(await defined(owner, *EDITS))["key"])
        assert code_of(await lead.post(f"{above}/resend", None)) == OUTRANKED
        assert code_of(await lead.delete(above)) == OUTRANKED
        assert (await lead.post(f"{below}/resend", None)).status_code == 200
        assert (await lead.delete(below)).status_code == 204

    async def test_limits_the_roles_to_define(self, hire: Hire) -> None:
        maker = await hire(*RUNS_ROLES, *EDITS)
        refused = await maker.post("/roles", role(*EDITS, "rack:delete", "audit:read"))
        assert code_of(refused) == OUTRANKED
        assert refused.json()["detail"] == "Your role lacks: audit:read, rack:delete"
        assert (await maker.post("/roles", role(*EDITS, *RUNS_ROLES))).status_code == 201

    async def test_limits_the_roles_to_change_and_delete(self, owner: Caller, hire: Hire) -> None:
        maker = await hire(*RUNS_ROLES, *EDITS)
        above, below = await defined(owner, "book:read"), await defined(owner, *EDITS)
        bodies: list[dict[str, object]] = [{"name": "Mine"}, {"permissions": []}, {"permissions": list(EDITS)}]
        for body in bodies:
            assert code_of(await maker.patch(f"/roles/{above['id']}", body)) == OUTRANKED
        assert code_of(await maker.delete(f"/roles/{above['id']}")) == OUTRANKED
        path = f"/roles/{below['id']}"
        assert code_of(await maker.patch(path, {"permissions": [*EDITS, "book:read"]})) == OUTRANKED
        assert (await owner.get(path)).json() == below
        assert (await maker.patch(path, {"permissions": ["rack:read"]})).status_code == 200
        assert (await maker.delete(path)).status_code == 204

    async def test_prevents_members_from_gaining_permissions(
        self, owner: Caller, make: Factories, join: Join, tenant: TenantRow, place_of: PlaceOf
    ) -> None:
        own = await make.role(tenant, *RUNS_ROLES, "member:read", "member:update")
        climber = await join(tenant, own.key)
        wider = {"permissions": [*own.permissions, "audit:read"]}
        place = await place_of(climber)
        assert code_of(await climber.patch(f"/roles/{own.id}", wider)) == OUTRANKED
        assert code_of(await climber.post("/roles", role(*own.permissions, "audit:read"))) == OUTRANKED
        assert code_of(await climber.patch(place, {"role": "admin"})) == OUTRANKED
        assert code_of(await climber.get("/audit-events")) == (403, "forbidden")
        assert (await owner.patch(f"/roles/{own.id}", wider)).status_code == 200
        await answers(200, lambda: climber.get("/audit-events"))

    async def test_applies_to_the_creator_of_a_role_that_was_widened(self, owner: Caller, hire: Hire) -> None:
        maker = await hire(*RUNS_ROLES, *EDITS)
        made = await defined(maker, *EDITS)
        path = f"/roles/{made['id']}"
        assert (await maker.patch(path, {"name": "Mine"})).status_code == 200
        assert (await owner.patch(path, {"permissions": [*EDITS, "book:read"]})).status_code == 200
        assert code_of(await maker.patch(path, {"name": "Mine again"})) == OUTRANKED

    async def test_limits_the_actions_of_an_api_key(self, hire: Hire, client: httpx.AsyncClient) -> None:
        smith = await hire("api_key:create", "api_key:rotate", *EDITS)
        body = {"name": "Import", "actions": ["rack:read"]}
        beyond = await smith.post("/api-keys", {**body, "actions": sorted(POLICY.for_keys)})
        assert code_of(beyond) == (403, "action_not_yours")
        made = await smith.post("/api-keys", body)
        assert made.status_code == 201
        key = {"X-API-Key": made.json()["key"]}
        assert (await client.get(f"{API}/racks", headers=key)).status_code == 200


@pytest.mark.parametrize("name", ["god", "no-such-role"])
async def test_an_unknown_role_cannot_be_assigned(
    owner: Caller, join: Join, tenant: TenantRow, place_of: PlaceOf, name: str
) -> None:
    member = await place_of(await join(tenant))
    assert code_of(await owner.patch(member, {"role": name})) == (422, "role_unknown")
    assert code_of(await owner.post("/invitations", {"email": address(), "role": name})) == (422, "role_unknown")
    assert (await owner.get(member)).json()["role"] == "member"
    assert (await owner.patch(member, {"role": "viewer"})).status_code == 200
