import asyncio
from collections import Counter
from datetime import timedelta

import httpx
import pytest

from insula import clock
from insula.ids import new_id
from tenants.routes.invitations import SENT_TO_ADDRESS
from tests.support.app import SignIn
from tests.support.factories import Factories, TenantRow
from tests.tenants.conftest import Join
from tests.tenants.support import ROLES, Caller, Readback, code_of, sameness


def address() -> str:
    return f"guest-{new_id().hex}@example.com"


async def invite(caller: Caller, email: str | None = None, role: str = "member") -> httpx.Response:
    return await caller.post("/invitations", {"email": email or address(), "role": role})


async def invited(caller: Caller, email: str | None = None, role: str = "member") -> str:
    """Invite somebody and return the invitation's path."""
    answer = await invite(caller, email, role)
    assert answer.status_code == 201, answer.text
    return f"/invitations/{answer.json()['id']}"


async def age(readback: Readback, path: str) -> None:
    """Let the invitation have expired."""
    statement = "update invitation set expires_at = :past where id = cast(:id as uuid)"
    await readback(statement, past=clock.now() - timedelta(seconds=1), id=path.rpartition("/")[2])


class TestCreate:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_owner_and_admin(self, join: Join, tenant: TenantRow, readback: Readback, role: str) -> None:
        caller = await join(tenant, role)
        answer = await invite(caller)
        kept = await readback("select invited_by, role from invitation where tenant_id = :id", id=tenant.id)
        if role in {"owner", "admin"}:
            assert (answer.status_code, kept) == (201, [{"invited_by": caller.user.id, "role": "member"}])
        else:
            assert (*code_of(answer), kept) == (403, "forbidden", [])

    async def test_tells_what_was_made_and_where_but_no_token(self, owner: Caller, readback: Readback) -> None:
        email = address()
        answer = await invite(owner, email.upper())
        made = answer.json()
        assert (made["email"], made["role"], made["status"], made["sent_count"]) == (email, "member", "pending", 1)
        assert made["invited_by"] == str(owner.user.id)
        found = await owner.client.get(answer.headers["location"], headers=owner.token)
        assert (found.json(), found.headers["etag"]) == (made, answer.headers["etag"])
        [row] = await readback(
            "select token_hash, expires_at - created_at as life from invitation where email = :e", e=email
        )
        assert str(row["life"]).startswith(("6 days, 23", "7 days"))
        assert "token" not in answer.text
        assert isinstance(row["token_hash"], bytes)
        assert len(row["token_hash"]) == 32

    @pytest.mark.parametrize("role", ROLES)
    async def test_gives_no_role_above_the_inviters(self, join: Join, tenant: TenantRow, role: str) -> None:
        by_admin = await invite(await join(tenant, "admin"), role=role)
        assert by_admin.status_code == 201 if role != "owner" else code_of(by_admin) == (403, "outranked")
        assert (await invite(await join(tenant, "owner"), role=role)).status_code == 201

    async def test_of_a_member_is_needless(
        self, owner: Caller, join: Join, tenant: TenantRow, stranger: Caller
    ) -> None:
        member = await join(tenant)
        assert code_of(await invite(owner, member.user.email.title())) == (409, "already_member")
        assert (await invite(owner, stranger.user.email)).status_code == 201

    async def test_that_is_pending_is_not_repeated(self, owner: Caller, stranger: Caller) -> None:
        email = address()
        path = await invited(owner, email)
        assert code_of(await invite(owner, email.upper())) == (409, "already_invited")
        assert (await invite(stranger, email)).status_code == 201
        assert (await owner.delete(path)).status_code == 204
        assert (await invite(owner, email)).status_code == 201

    async def test_replaces_one_that_has_expired(self, owner: Caller, readback: Readback) -> None:
        email = address()
        path = await invited(owner, email)
        await age(readback, path)
        assert (await invite(owner, email)).status_code == 201
        assert (await owner.get(path)).json()["status"] == "revoked"

    async def test_tells_nothing_of_who_has_an_account(self, owner: Caller, make: Factories) -> None:
        known, unknown = (await make.user()).email, address()
        answers = [(await invite(owner, email)).json() for email in (known, unknown)]
        told = [
            {**answer, **dict.fromkeys(("id", "email", "created_at", "expires_at", "last_sent_at"))}
            for answer in answers
        ]
        assert told[0] == told[1]

    async def test_stays_within_the_seats_of_which_pending_ones_take_one(
        self, make: Factories, join: Join, readback: Readback
    ) -> None:
        owner = await join(await make.tenant(entitlements={"requests_per_minute": 600, "seats": 3}), "owner")
        first, _ = await invited(owner), await invited(owner)
        assert code_of(await invite(owner)) == (409, "seats_exhausted")
        await age(readback, first)
        assert (await invite(owner)).status_code == 201
        assert code_of(await invite(owner)) == (409, "seats_exhausted")

    async def test_of_many_at_once_fills_the_seats_and_no_more(
        self, make: Factories, join: Join, readback: Readback
    ) -> None:
        owner = await join(await make.tenant(entitlements={"requests_per_minute": 600, "seats": 4}), "owner")
        answers = await asyncio.gather(*(invite(owner) for _ in range(12)))
        assert Counter(answer.status_code for answer in answers) == {201: 3, 409: 9}
        assert len(await readback("select id from invitation where tenant_id = :id", id=owner.home.id)) == 3

    async def test_of_one_address_at_once_is_one(self, owner: Caller, readback: Readback) -> None:
        email = address()
        answers = await asyncio.gather(*(invite(owner, email) for _ in range(10)))
        assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 9}
        assert len(await readback("select id from invitation where email = :email", email=email)) == 1

    async def test_with_an_idempotency_key_has_one_effect(self, owner: Caller) -> None:
        body = {"email": address(), "role": "member"}
        first, again = [await owner.post("/invitations", body, idempotency_key="once") for _ in range(2)]
        assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())

    @pytest.mark.parametrize(
        "email", ["", "ada", "ada@", "@example.com", "a@b\r\nBcc: c@d.ef", f"{'a' * 300}@example.com"]
    )
    async def test_needs_an_address(self, owner: Caller, email: str) -> None:
        assert (await owner.post("/invitations", {"email": email, "role": "member"})).status_code == 422


class TestList:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_owner_and_admin(self, join: Join, tenant: TenantRow, role: str) -> None:
        answer = await (await join(tenant, role)).get("/invitations")
        assert answer.status_code == 200 if role in {"owner", "admin"} else code_of(answer) == (403, "forbidden")

    async def test_filters_by_state_and_search(self, owner: Caller, stranger: Caller, readback: Readback) -> None:
        emails = [f"{name}-{address()}" for name in ("pending", "expired", "revoked")]
        paths = [await invited(owner, email) for email in emails]
        await age(readback, paths[1])
        await owner.delete(paths[2])
        await invited(stranger)
        for email in emails:
            state = email.partition("-")[0]
            [found] = await owner.walk("/invitations", limit=10, status=state)
            assert (found["email"], found["status"]) == (email, state)
            assert await owner.walk("/invitations", limit=10, search=email[3:20].upper()) == [found]
        assert [found["email"] for found in await owner.walk("/invitations", limit=1)] == emails[::-1]
        assert await owner.walk("/invitations", limit=10, status="accepted") == []

    async def test_is_one_query_however_long(self, owner: Caller, statements: list[str]) -> None:
        for _ in range(4):
            await invited(owner)
        for limit in (1, 100):
            statements.clear()
            await owner.get("/invitations", limit=limit)
            assert len(statements) == 1


class TestResend:
    async def test_kills_the_token_before(
        self, owner: Caller, make: Factories, newcomer: Caller, tenant: TenantRow, readback: Readback
    ) -> None:
        invitation, token = await make.invitation(tenant, owner.user, to=newcomer.user.email, days=1)
        answer = await owner.post(f"/invitations/{invitation.id}/resend", None)
        assert (answer.status_code, answer.json()["sent_count"]) == (200, 2)
        assert answer.json()["expires_at"] > (clock.now() + timedelta(days=6)).isoformat()
        assert code_of(await newcomer.post("/invitations/accept", {"token": token})) == (404, "invitation_invalid")
        [row] = await readback("select token_hash from invitation where id = :id", id=invitation.id)
        assert row["token_hash"] != invitation.token_hash

    async def test_revives_an_expired_one_if_a_seat_is_free(
        self, make: Factories, join: Join, readback: Readback
    ) -> None:
        owner = await join(await make.tenant(entitlements={"requests_per_minute": 600, "seats": 2}), "owner")
        first = await invited(owner)
        await age(readback, first)
        second = await invited(owner)
        assert code_of(await owner.post(f"{first}/resend", None)) == (409, "seats_exhausted")
        await owner.delete(second)
        assert (await owner.post(f"{first}/resend", None)).json()["status"] == "pending"

    async def test_is_not_for_what_is_settled(self, owner: Caller) -> None:
        path = await invited(owner)
        await owner.delete(path)
        assert code_of(await owner.post(f"{path}/resend", None)) == (409, "invitation_settled")

    async def test_floods_no_mailbox(self, owner: Caller) -> None:
        path = await invited(owner)
        answers = [await owner.post(f"{path}/resend", None) for _ in range(SENT_TO_ADDRESS + 1)]
        assert {answer.status_code for answer in answers[:-1]} == {200}
        assert code_of(answers[-1]) == (429, "too_many_invitations")
        assert int(answers[-1].headers["retry-after"]) >= 1

    async def test_of_an_owners_invitation_is_not_for_an_admin(
        self, owner: Caller, join: Join, tenant: TenantRow
    ) -> None:
        path = await invited(owner, role="owner")
        assert code_of(await (await join(tenant, "admin")).post(f"{path}/resend", None)) == (403, "outranked")
        assert (await owner.post(f"{path}/resend", None)).status_code == 200

    async def test_of_another_tenants_is_not_there(self, owner: Caller, stranger: Caller) -> None:
        foreign = await owner.post(f"{await invited(stranger)}/resend", None)
        assert sameness(foreign) == sameness(await owner.post(f"/invitations/{new_id()}/resend", None))
        assert code_of(foreign) == (404, "not_found")


class TestRevoke:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_owner_and_admin(self, owner: Caller, join: Join, tenant: TenantRow, role: str) -> None:
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

    async def test_is_once(self, owner: Caller) -> None:
        path = await invited(owner)
        assert (await owner.delete(path)).status_code == 204
        assert code_of(await owner.delete(path)) == (409, "invitation_settled")

    async def test_of_another_tenants_is_not_there(self, owner: Caller, stranger: Caller) -> None:
        path = await invited(stranger)
        assert code_of(await owner.delete(path)) == (404, "not_found")
        assert (await stranger.get(path)).json()["status"] == "pending"


class TestAccept:
    async def test_makes_the_invited_a_member_with_the_role(
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

    async def test_is_also_for_who_acts_in_another_tenant(
        self, owner: Caller, make: Factories, stranger: Caller, tenant: TenantRow, readback: Readback
    ) -> None:
        _, token = await make.invitation(tenant, owner.user, to=stranger.user.email)
        assert (await stranger.post("/invitations/accept", {"token": token})).status_code == 200
        rows = await readback(
            "select role from membership where user_id = :id order by created_at", id=stranger.user.id
        )
        assert rows == [{"role": "owner"}, {"role": "member"}]

    async def test_with_an_idempotency_key_answers_again(
        self, owner: Caller, make: Factories, newcomer: Caller, tenant: TenantRow
    ) -> None:
        _, token = await make.invitation(tenant, owner.user, to=newcomer.user.email)
        first, again = [
            await newcomer.post("/invitations/accept", {"token": token}, idempotency_key="once") for _ in range(2)
        ]
        assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())

    async def test_of_who_is_a_member_already_is_needless(
        self, owner: Caller, make: Factories, join: Join, tenant: TenantRow
    ) -> None:
        member = await join(tenant)
        _, token = await make.invitation(tenant, owner.user, to=member.user.email)
        assert code_of(await member.post("/invitations/accept", {"token": token})) == (409, "already_member")

    async def test_waits_while_the_tenant_is_suspended(
        self, make: Factories, newcomer: Caller, readback: Readback
    ) -> None:
        tenant = await make.tenant(status="suspended")
        _, token = await make.invitation(tenant, await make.member(tenant, "owner"), to=newcomer.user.email)
        assert code_of(await newcomer.post("/invitations/accept", {"token": token})) == (403, "tenant_suspended")
        await readback("update tenant set status = 'active' where id = :id", id=tenant.id)
        assert (await newcomer.post("/invitations/accept", {"token": token})).status_code == 200


class TestRecord:
    async def test_says_who_invited_whom_and_what_became_of_it(
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
