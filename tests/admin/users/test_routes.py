"""Staff read, suspend and reactivate users."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from insula.core.ids import new_id
from tests.support.app import SignIn
from tests.support.factories import Factories, UserRow
from tests.support.provider import Readback
from tests.support.staff import Caller, Hire, code_of
from tests.support.waiting import answers

STAFF_ROLES = ("superuser", "support", "auditor")


async def status_of(readback: Readback, user: UserRow) -> object:
    (row,) = await readback('select status from "user" where id = :id', id=user.id)
    return row["status"]


async def live_sessions(readback: Readback, user: UserRow) -> object:
    (row,) = await readback(
        "select count(*) as n from auth_session where user_id = :id and revoked_at is null", id=user.id
    )
    return row["n"]


class TestList:
    @pytest.mark.parametrize("role", STAFF_ROLES)
    async def test_all_staff_find_a_user_by_a_part_of_email_or_name(
        self, hire: Hire, make: Factories, role: str
    ) -> None:
        word = new_id().hex
        by_email = await make.user(email=f"a-{word}@example.com")
        by_name = await make.user(email=f"b-{new_id().hex}@example.com", name=f"Bo {word.upper()}")

        page = (await (await hire(role)).get("/users", search=word, sort_by="email")).json()

        assert [found["id"] for found in page["items"]] == [str(by_email.id), str(by_name.id)]
        assert page["total"] == 2

    async def test_status_narrows_the_list(self, superuser: Caller, make: Factories) -> None:
        word = new_id().hex
        suspended = await make.user(name=word, status="suspended")
        await make.user(name=word)

        page = (await superuser.get("/users", search=word, status="suspended", skip=0, limit=1)).json()

        assert ([found["id"] for found in page["items"]], page["total"]) == ([str(suspended.id)], 1)

    async def test_no_secret_is_among_the_fields(self, superuser: Caller, make: Factories) -> None:
        user = await make.user(password="correct horse battery staple")

        listed = (await superuser.get("/users", search=user.email)).json()["items"][0]

        assert set(listed) == {
            "id", "email", "name", "status", "email_verified_at", "created_at", "updated_at", "version",
        }  # fmt: skip


class TestRead:
    @pytest.mark.parametrize("role", STAFF_ROLES)
    async def test_a_user_comes_with_all_memberships_and_staff_role(
        self, hire: Hire, make: Factories, user: UserRow, role: str
    ) -> None:
        first, second = await make.tenant(slug=f"a-{new_id().hex}"), await make.tenant(slug=f"b-{new_id().hex}")
        await make.member(second, role="owner", user=user)
        await make.member(first, role="viewer", user=user)
        await make.member(first, role="owner")

        found = (await (await hire(role)).get(f"/users/{user.id}")).json()

        assert [(place["tenant_id"], place["tenant_slug"], place["role"]) for place in found["memberships"]] == [
            (str(first.id), first.slug, "viewer"),
            (str(second.id), second.slug, "owner"),
        ]
        assert found["staff_role"] is None

    async def test_a_staff_user_is_shown_with_the_staff_role(self, hire: Hire, superuser: Caller) -> None:
        auditor = await hire("auditor")

        assert (await superuser.get(f"/users/{auditor.user.id}")).json()["staff_role"] == "auditor"

    async def test_an_unknown_user_is_not_found(self, superuser: Caller) -> None:
        assert code_of(await superuser.get(f"/users/{new_id()}")) == (404, "not_found")


class TestSuspend:
    @pytest.mark.parametrize("role", ["superuser", "support"])
    async def test_a_suspended_users_sessions_end_at_once_in_every_process(
        self,
        hire: Hire,
        client: httpx.AsyncClient,
        other_process: httpx.AsyncClient,
        sign_in: SignIn,
        make: Factories,
        readback: Readback,
        role: str,
    ) -> None:
        tenant = await make.tenant()
        user, colleague = await make.member(tenant), await make.member(tenant)
        theirs, others = await sign_in(user, tenant), await sign_in(colleague, tenant)

        async def here() -> httpx.Response:
            return await client.get("/api/v1/tenant", headers=theirs)

        async def there() -> httpx.Response:
            return await other_process.get("/api/v1/tenant", headers=theirs)

        assert [(await ask()).status_code for ask in (here, there)] == [200, 200]

        answer = await (await hire(role)).post(f"/users/{user.id}/suspend")

        assert (answer.status_code, answer.json()["status"], answer.json()["version"]) == (200, "suspended", 2)
        await answers(401, here)
        await answers(401, there)
        assert (await other_process.get("/api/v1/tenant", headers=others)).status_code == 200
        assert (await status_of(readback, user), await live_sessions(readback, user)) == ("suspended", 0)
        assert await live_sessions(readback, colleague) == 1

    async def test_a_reactivated_user_logs_in_again_and_old_tokens_stay_invalid(
        self, superuser: Caller, client: httpx.AsyncClient, sign_in: SignIn, make: Factories
    ) -> None:
        tenant = await make.tenant()
        user = await make.member(tenant)
        old = await sign_in(user, tenant)
        await superuser.post(f"/users/{user.id}/suspend")
        await answers(401, lambda: client.get("/api/v1/tenant", headers=old))

        answer = await superuser.post(f"/users/{user.id}/reactivate")

        assert (answer.status_code, answer.json()["status"]) == (200, "active")
        fresh = await sign_in(user, tenant)
        await answers(200, lambda: client.get("/api/v1/tenant", headers=fresh))
        assert (await client.get("/api/v1/tenant", headers=old)).status_code == 401

    async def test_repeating_a_suspension_or_reactivation_changes_nothing(
        self, superuser: Caller, user: UserRow
    ) -> None:
        for verb, version in (("reactivate", 1), ("suspend", 2), ("suspend", 2), ("reactivate", 3), ("reactivate", 3)):
            answer = await superuser.post(f"/users/{user.id}/{verb}")

            assert (answer.status_code, answer.json()["version"]) == (200, version)

    @pytest.mark.parametrize(
        ("role", "verb"), [("auditor", "suspend"), ("auditor", "reactivate"), ("support", "reactivate")]
    )
    async def test_a_role_without_the_permission_may_not_suspend_or_reactivate(
        self, hire: Hire, superuser: Caller, user: UserRow, readback: Readback, role: str, verb: str
    ) -> None:
        assert code_of(await (await hire(role)).post(f"/users/{user.id}/{verb}")) == (403, "forbidden")
        assert await status_of(readback, user) == "active"
        assert (await superuser.post(f"/users/{user.id}/{verb}")).status_code == 200

    async def test_nobody_suspends_themselves(self, hire: Hire, superuser: Caller, readback: Readback) -> None:
        for caller in (superuser, await hire("support")):
            refused = await caller.post(f"/users/{caller.user.id}/suspend")

            assert code_of(refused) == (409, "own_suspension")
            assert await status_of(readback, caller.user) == "active"

    async def test_support_does_not_suspend_staff_and_a_superuser_does(
        self, hire: Hire, superuser: Caller, readback: Readback
    ) -> None:
        support, targets = await hire("support"), [await hire(role) for role in STAFF_ROLES]

        for target in targets:
            refused = await support.post(f"/users/{target.user.id}/suspend")
            assert code_of(refused) == (403, "staff_protected")
            assert await status_of(readback, target.user) == "active"

            assert (await superuser.post(f"/users/{target.user.id}/suspend")).status_code == 200

    async def test_an_unknown_user_is_not_found(self, superuser: Caller) -> None:
        for verb in ("suspend", "reactivate"):
            assert code_of(await superuser.post(f"/users/{new_id()}/{verb}")) == (404, "not_found")


class TestLastSuperuser:
    @pytest.fixture
    async def alone(self, readback: Readback) -> AsyncIterator[None]:
        """Suspend all other superusers during a test, so that only its own are active."""
        others = await readback(
            "update \"user\" set status = 'suspended' where status = 'active' "
            "and id in (select user_id from staff where role = 'superuser') returning id"
        )
        yield
        await readback("update \"user\" set status = 'active' where id = any(:ids)", ids=[row["id"] for row in others])

    @pytest.mark.usefixtures("alone")
    async def test_superusers_who_suspend_each_other_at_once_leave_one(self, hire: Hire, readback: Readback) -> None:
        for _ in range(10):
            one, two = await hire("superuser"), await hire("superuser")

            await asyncio.gather(
                one.post(f"/users/{two.user.id}/suspend"),
                two.post(f"/users/{one.user.id}/suspend"),
            )

            assert {await status_of(readback, one.user), await status_of(readback, two.user)} == {"active", "suspended"}
            await readback(
                "update \"user\" set status = 'suspended' where id in (:one, :two)", one=one.user.id, two=two.user.id
            )
