"""Staff list and revoke users' logins."""

from functools import partial
from uuid import UUID

import httpx
import pytest

from insula.core.ids import new_id
from tests.support.app import SignIn
from tests.support.factories import Factories, UserRow
from tests.support.provider import Readback
from tests.support.staff import Caller, Hire, code_of
from tests.support.waiting import answers


def path(user: UserRow, login: object = "") -> str:
    return f"/users/{user.id}/sessions/{login}".rstrip("/")


async def latest_login(superuser: Caller, user: UserRow) -> UUID:
    """Return the user's latest login; the test has its token."""
    return UUID((await superuser.get(path(user), limit=1)).json()["items"][0]["id"])


class TestList:
    async def test_all_staff_see_a_users_logins_newest_first(
        self, hire: Hire, make: Factories, user: UserRow, readback: Readback
    ) -> None:
        await make.session(await make.user())
        made = [await make.session(user) for _ in range(4)]
        await readback("update auth_session set revoked_at = now() where id = :id", id=made[0])
        await readback("update auth_session set expires_at = now() where id = :id", id=made[1])
        await readback("update auth_session set refresh_by = now() where id = :id", id=made[2])
        await readback("update auth_session set refresh_by = expires_at where id = :id", id=made[3])
        for role in ("superuser", "support", "auditor"):
            staff = await hire(role)
            page = (await staff.get(path(user))).json()
            live = (await staff.get(path(user), live="true")).json()
            over = (await staff.get(path(user), live="false", skip=1)).json()

            assert [login["id"] for login in page["items"]] == [str(login) for login in reversed(made)]
            assert ([login["id"] for login in live["items"]], live["total"]) == ([str(made[3])], 1)
            assert ([login["id"] for login in over["items"]], over["total"]) == ([str(made[1]), str(made[0])], 3)

    async def test_an_unknown_user_is_not_found(self, superuser: Caller) -> None:
        assert code_of(await superuser.get(f"/users/{new_id()}/sessions")) == (404, "not_found")


class TestRevoke:
    @pytest.mark.parametrize("role", ["superuser", "support"])
    async def test_a_revoked_login_is_refused_within_a_second_in_every_process_and_others_are_not(
        self,
        hire: Hire,
        superuser: Caller,
        client: httpx.AsyncClient,
        other_process: httpx.AsyncClient,
        make: Factories,
        sign_in: SignIn,
        readback: Readback,
        role: str,
    ) -> None:
        tenant = await make.tenant()
        user = await make.member(tenant)
        kept = await sign_in(user, tenant)
        lost = await sign_in(user, tenant)
        login = await latest_login(superuser, user)
        for process in (client, other_process):
            assert (await process.get("/api/v1/tenant", headers=lost)).status_code == 200
        staff = await hire(role)

        revoked = await staff.send("DELETE", path(user, login))

        assert revoked.status_code == 204
        for process in (client, other_process):
            await answers(401, partial(process.get, "/api/v1/tenant", headers=lost))
            assert (await process.get("/api/v1/tenant", headers=kept)).status_code == 200
        assert (await staff.send("DELETE", path(user, login))).status_code == 204
        acts = await readback("select action, actor_id from audit_event where object_id = :id", id=str(login))
        assert acts == [{"action": "session.revoked", "actor_id": staff.user.id}]

    async def test_another_users_login_is_not_found(
        self, superuser: Caller, make: Factories, user: UserRow, readback: Readback
    ) -> None:
        login = await make.session(await make.user())

        for wrong in (login, new_id()):
            assert code_of(await superuser.send("DELETE", path(user, wrong))) == (404, "not_found")

        assert await readback("select revoked_at from auth_session where id = :id", id=login) == [{"revoked_at": None}]

    async def test_an_auditor_is_refused_and_only_a_superuser_ends_logins_of_staff(
        self, hire: Hire, superuser: Caller, make: Factories, user: UserRow
    ) -> None:
        login = await make.session(user)
        support, auditor = await hire("support"), await hire("auditor")
        its_own, another = await make.session(support.user), await make.session(auditor.user)

        assert code_of(await auditor.send("DELETE", path(user, login))) == (403, "forbidden")
        assert code_of(await support.send("DELETE", path(auditor.user, another))) == (403, "staff_protected")

        for caller, owner, ended in (
            (superuser, user, login),
            (superuser, auditor.user, another),
            (support, support.user, its_own),
        ):
            assert (await caller.send("DELETE", path(owner, ended))).status_code == 204
