import asyncio
from collections import Counter

import pytest

from tests.support.factories import Factories, TenantRow
from tests.tenants.conftest import Join
from tests.tenants.invitations.support import address, age, invite, invited
from tests.tenants.support import ROLES, Caller, Readback, code_of


class TestCreate:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_owners_and_admins(self, join: Join, tenant: TenantRow, readback: Readback, role: str) -> None:
        caller = await join(tenant, role)
        answer = await invite(caller)
        kept = await readback("select invited_by, role from invitation where tenant_id = :id", id=tenant.id)
        if role in {"owner", "admin"}:
            assert (answer.status_code, kept) == (201, [{"invited_by": caller.user.id, "role": "member"}])
        else:
            assert (*code_of(answer), kept) == (403, "forbidden", [])

    async def test_returns_the_invitation_and_its_location_but_no_token(
        self, owner: Caller, readback: Readback
    ) -> None:
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
    async def test_to_a_role_above_the_inviters_is_refused(self, join: Join, tenant: TenantRow, role: str) -> None:
        by_admin = await invite(await join(tenant, "admin"), role=role)
        assert by_admin.status_code == 201 if role != "owner" else code_of(by_admin) == (403, "outranked")
        assert (await invite(await join(tenant, "owner"), role=role)).status_code == 201

    async def test_of_a_member_is_refused(self, owner: Caller, join: Join, tenant: TenantRow, stranger: Caller) -> None:
        member = await join(tenant)
        assert code_of(await invite(owner, member.user.email.title())) == (409, "already_member")
        assert (await invite(owner, stranger.user.email)).status_code == 201

    async def test_of_an_address_with_a_pending_one_is_refused(self, owner: Caller, stranger: Caller) -> None:
        email = address()
        path = await invited(owner, email)
        assert code_of(await invite(owner, email.upper())) == (409, "already_invited")
        assert (await invite(stranger, email)).status_code == 201
        assert (await owner.delete(path)).status_code == 204
        assert (await invite(owner, email)).status_code == 201

    async def test_replaces_an_expired_invitation(self, owner: Caller, readback: Readback) -> None:
        email = address()
        path = await invited(owner, email)
        await age(readback, path)
        assert (await invite(owner, email)).status_code == 201
        assert (await owner.get(path)).json()["status"] == "revoked"

    async def test_does_not_reveal_accounts(self, owner: Caller, make: Factories) -> None:
        known, unknown = (await make.user()).email, address()
        answers = [(await invite(owner, email)).json() for email in (known, unknown)]
        bodies = [
            {**answer, **dict.fromkeys(("id", "email", "created_at", "expires_at", "last_sent_at"))}
            for answer in answers
        ]
        assert bodies[0] == bodies[1]

    async def test_counts_pending_invitations_as_seats(self, make: Factories, join: Join, readback: Readback) -> None:
        owner = await join(await make.tenant(entitlements={"requests_per_minute": 600, "seats": 3}), "owner")
        first, _ = await invited(owner), await invited(owner)
        assert code_of(await invite(owner)) == (409, "seats_exhausted")
        await age(readback, first)
        assert (await invite(owner)).status_code == 201
        assert code_of(await invite(owner)) == (409, "seats_exhausted")

    async def test_concurrent_invitations_stay_within_the_seats(
        self, make: Factories, join: Join, readback: Readback
    ) -> None:
        owner = await join(await make.tenant(entitlements={"requests_per_minute": 600, "seats": 4}), "owner")
        answers = await asyncio.gather(*(invite(owner) for _ in range(12)))
        assert Counter(answer.status_code for answer in answers) == {201: 3, 409: 9}
        assert len(await readback("select id from invitation where tenant_id = :id", id=owner.home.id)) == 3

    async def test_concurrent_invitations_of_one_address_create_one(self, owner: Caller, readback: Readback) -> None:
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
    async def test_needs_a_valid_address(self, owner: Caller, email: str) -> None:
        assert (await owner.post("/invitations", {"email": email, "role": "member"})).status_code == 422


class TestList:
    @pytest.mark.parametrize("role", ROLES)
    async def test_is_for_owners_and_admins(self, join: Join, tenant: TenantRow, role: str) -> None:
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

    async def test_costs_one_query_for_any_length(self, owner: Caller, statements: list[str]) -> None:
        for _ in range(4):
            await invited(owner)
        for limit in (1, 100):
            statements.clear()
            await owner.get("/invitations", limit=limit)
            assert len(statements) == 1
