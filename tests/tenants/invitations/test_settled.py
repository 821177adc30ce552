from datetime import timedelta

import pytest

from insula.core import clock
from insula.core.ids import new_id
from tenants.mail_limits import FROM_ONE_TO_MAILBOX
from tests.support.app import SignIn
from tests.support.factories import Factories, TenantRow
from tests.tenants.conftest import Join
from tests.tenants.invitations.support import address, age, invited
from tests.tenants.support import ROLES, Caller, Readback, code_of, sameness


class TestResend:
    async def test_invalidates_the_previous_token(
        self, owner: Caller, make: Factories, newcomer: Caller, tenant: TenantRow, readback: Readback
    ) -> None:
        invitation, token = await make.invitation(tenant, owner.user, to=newcomer.user.email, days=1)
        answer = await owner.post(f"/invitations/{invitation.id}/resend", None)
        assert (answer.status_code, answer.json()["sent_count"]) == (200, 2)
        assert answer.json()["expires_at"] > (clock.now() + timedelta(days=6)).isoformat()
        assert code_of(await newcomer.post("/invitations/accept", {"token": token})) == (404, "invitation_invalid")
        [row] = await readback("select token_hash from invitation where id = :id", id=invitation.id)
        assert row["token_hash"] != invitation.token_hash

    async def test_renews_an_expired_invitation_if_a_seat_is_free(
        self, make: Factories, join: Join, readback: Readback
    ) -> None:
        owner = await join(await make.tenant(entitlements={"requests_per_minute": 600, "seats": 2}), "owner")
        first = await invited(owner)
        await age(readback, first)
        second = await invited(owner)
        assert code_of(await owner.post(f"{first}/resend", None)) == (409, "seats_exhausted")
        await owner.delete(second)
        assert (await owner.post(f"{first}/resend", None)).json()["status"] == "pending"

    async def test_of_an_accepted_or_revoked_invitation_is_refused(self, owner: Caller) -> None:
        path = await invited(owner)
        await owner.delete(path)
        assert code_of(await owner.post(f"{path}/resend", None)) == (409, "invitation_settled")

    async def test_is_limited_for_each_mailbox(self, owner: Caller) -> None:
        path = await invited(owner)
        answers = [await owner.post(f"{path}/resend", None) for _ in range(FROM_ONE_TO_MAILBOX.limit)]
        assert {answer.status_code for answer in answers[:-1]} == {200}
        assert code_of(answers[-1]) == (429, "too_many_invitations")
        assert int(answers[-1].headers["retry-after"]) >= 1

    async def test_of_an_owners_invitation_is_not_for_an_admin(
        self, owner: Caller, join: Join, tenant: TenantRow
    ) -> None:
        path = await invited(owner, role="owner")
        assert code_of(await (await join(tenant, "admin")).post(f"{path}/resend", None)) == (403, "outranked")
        assert (await owner.post(f"{path}/resend", None)).status_code == 200

    async def test_of_another_tenants_invitation_is_not_found(self, owner: Caller, stranger: Caller) -> None:
        foreign = await owner.post(f"{await invited(stranger)}/resend", None)
        assert sameness(foreign) == sameness(await owner.post(f"/invitations/{new_id()}/resend", None))
        assert code_of(foreign) == (404, "not_found")


class TestRevoke:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_owners_and_admins(self, owner: Caller, join: Join, tenant: TenantRow, role: str) -> None:
        path = await invited(owner)
        answer = await (await join(tenant, role)).delete(path)
        may = role in {"owner", "admin"}
        assert answer.status_code == 204 if may else code_of(answer) == (403, "forbidden")
        assert (await owner.get(path)).json()["status"] == ("revoked" if may else "pending")

    async def test_of_an_owners_invitation_is_not_for_an_admin(
        self, owner: Caller, join: Join, tenant: TenantRow
    ) -> None:
        path = await invited(owner, role="owner")
        assert code_of(await (await join(tenant, "admin")).delete(path)) == (403, "outranked")
        assert (await owner.delete(path)).status_code == 204

    async def test_of_a_revoked_invitation_is_refused(self, owner: Caller) -> None:
        path = await invited(owner)
        assert (await owner.delete(path)).status_code == 204
        assert code_of(await owner.delete(path)) == (409, "invitation_settled")

    async def test_of_another_tenants_invitation_is_not_found(self, owner: Caller, stranger: Caller) -> None:
        path = await invited(stranger)
        assert code_of(await owner.delete(path)) == (404, "not_found")
        assert (await stranger.get(path)).json()["status"] == "pending"


class TestAccept:
    async def test_makes_the_user_a_member_with_the_role(
        self, owner: Caller, make: Factories, newcomer: Caller, tenant: TenantRow, sign_in: SignIn
    ) -> None:
        invitation, token = await make.invitation(tenant, owner.user, to=newcomer.user.email, role="viewer")
        answer = await newcomer.post("/invitations/accept", {"token": token})
        assert (answer.status_code, answer.json()) == (
            200,
            {
                "tenant_id": str(tenant.id),
                "slug": tenant.slug,
                "name": tenant.name,
                "status": "active",
                "role": "viewer",
            },
        )
        inside = Caller(newcomer.client, newcomer.user, tenant, await sign_in(newcomer.user, tenant))
        members = {m["email"]: (m["role"], m["name"]) for m in (await inside.get("/members")).json()["items"]}
        assert members[newcomer.user.email] == ("viewer", newcomer.user.name)
        assert (await owner.get(f"/invitations/{invitation.id}")).json()["status"] == "accepted"

    async def test_works_with_a_token_for_another_tenant(
        self, owner: Caller, make: Factories, stranger: Caller, tenant: TenantRow, readback: Readback
    ) -> None:
        _, token = await make.invitation(tenant, owner.user, to=stranger.user.email)
        assert (await stranger.post("/invitations/accept", {"token": token})).status_code == 200
        rows = await readback(
            "select role from membership where user_id = :id order by created_at", id=stranger.user.id
        )
        assert rows == [{"role": "owner"}, {"role": "member"}]

    async def test_with_an_idempotency_key_is_replayed(
        self, owner: Caller, make: Factories, newcomer: Caller, tenant: TenantRow
    ) -> None:
        _, token = await make.invitation(tenant, owner.user, to=newcomer.user.email)
        first, again = [
            await newcomer.post("/invitations/accept", {"token": token}, idempotency_key="once") for _ in range(2)
        ]
        assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())

    async def test_by_a_member_is_refused(self, owner: Caller, make: Factories, join: Join, tenant: TenantRow) -> None:
        member = await join(tenant)
        _, token = await make.invitation(tenant, owner.user, to=member.user.email)
        assert code_of(await member.post("/invitations/accept", {"token": token})) == (409, "already_member")

    async def test_is_refused_while_the_tenant_is_suspended(
        self, make: Factories, newcomer: Caller, readback: Readback
    ) -> None:
        tenant = await make.tenant(status="suspended")
        _, token = await make.invitation(tenant, await make.member(tenant, "owner"), to=newcomer.user.email)
        assert code_of(await newcomer.post("/invitations/accept", {"token": token})) == (403, "tenant_suspended")
        await readback("update tenant set status = 'active' where id = :id", id=tenant.id)
        assert (await newcomer.post("/invitations/accept", {"token": token})).status_code == 200


class TestRecord:
    async def test_names_inviter_address_and_outcome(
        self, owner: Caller, newcomer: Caller, make: Factories, tenant: TenantRow, readback: Readback
    ) -> None:
        email = address()
        path = await invited(owner, email)
        await owner.post(f"{path}/resend", None)
        await owner.delete(path)
        _, token = await make.invitation(tenant, owner.user, to=newcomer.user.email)
        await newcomer.post("/invitations/accept", {"token": token})
        events = await readback(
            "select action, actor_id, after from audit_event where tenant_id = :id order by sequence", id=tenant.id
        )
        pending = {"email": email, "role": "member", "status": "pending"}
        assert [tuple(event.values()) for event in events] == [
            ("invitation.created", owner.user.id, pending),
            ("invitation.resent", owner.user.id, pending),
            ("invitation.revoked", owner.user.id, {**pending, "status": "revoked"}),
            (
                "invitation.accepted",
                newcomer.user.id,
                {"email": newcomer.user.email, "role": "member", "status": "accepted"},
            ),
        ]
