"""The caller's own name, password and sessions, over HTTP."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from insula.audit import Origin
from insula.core.errors import Forbidden
from insula.core.ids import UserId, new_id
from insula.core.settings import Settings
from insula.db.engine.unit import Unit
from insula.identity import LockedAccount, Rename, SignedIn
from tests.support.app import PASSWORD, Live
from tests.support.emails import Readback, emails_to
from tests.support.factories import Factories, UserRow
from tests.support.newcomers import OTHER_PASSWORD, forgot, reset
from tests.support.sql import changed
from tests.support.visitors import Visitor, problem, visitor_at
from tests.support.waiting import answers
from tests.tenants.support import Caller, code_of, sameness


@pytest.fixture
async def user(make: Factories) -> UserRow:
    return await make.user(password=PASSWORD)


@pytest.fixture
async def visitor(live: Live, settings: Settings) -> AsyncIterator[Visitor]:
    async with visitor_at(live, settings) as visitor:
        yield visitor


async def signed_in(visitor: Visitor, user: UserRow, password: str = PASSWORD) -> Caller:
    """Sign in by password, as in a browser."""
    opened = (await visitor.login(user.email, password=password)).json()
    return Caller(visitor.client, user, None, {"Authorization": f"Bearer {opened['access_token']}"})


class FailingChange:
    """A change of another field that fails after earlier changes."""

    async def write(self, _unit: Unit, _account: LockedAccount) -> dict[str, tuple[object, object]]:
        raise Forbidden


class VerifyingChange:
    """A change of another field."""

    async def write(self, unit: Unit, account: LockedAccount) -> dict[str, tuple[object, object]]:
        await changed(unit, 'update "user" set email_verified_at = now() where id = :id', id=account.user_id)
        return {"verified": (None, True)}


class TestName:
    async def test_a_name_changes_in_every_tenant(
        self, owner: Caller, stranger: Caller, make: Factories, readback: Readback
    ) -> None:
        await make.member(stranger.home, role="viewer", user=owner.user)
        answer = await owner.patch("/me", {"name": " Ada Lovelace "})

        assert (answer.status_code, answer.json()["name"]) == (200, "Ada Lovelace")
        copies = await readback("select name, version from membership where user_id = :id", id=owner.user.id)
        assert copies == [{"name": "Ada Lovelace", "version": 2}] * 2
        others = await readback("select name from membership where user_id = :id", id=stranger.user.id)
        assert [row["name"] for row in others] == [stranger.user.name]
        assert (await owner.get("/me")).json() == answer.json()

    async def test_a_change_is_audited_with_both_names(self, owner: Caller, readback: Readback) -> None:
        answer = await owner.patch("/me", {"name": "Ada"})

        [event] = await readback(
            "select action, actor_id, object_id, before ->> 'name' as was, after ->> 'name' as is from audit_event "
            "where request_id = :id",
            id=answer.headers["x-request-id"],
        )
        assert event == {
            "action": "user.updated",
            "actor_id": owner.user.id,
            "object_id": str(owner.user.id),
            "was": owner.user.name,
            "is": "Ada",
        }

    async def test_a_change_with_a_stale_version_is_refused(self, owner: Caller) -> None:
        tag = (await owner.get("/me")).headers["etag"]
        first = await owner.patch("/me", {"name": "Ada"}, if_match=tag)
        second = await owner.patch("/me", {"name": "Eve"}, if_match=tag)

        assert (first.status_code, second.status_code) == (200, 412)
        assert first.headers["etag"] != tag
        assert (await owner.get("/me")).json()["name"] == "Ada"
        assert (await owner.patch("/me", {}, if_match=first.headers["etag"])).headers["etag"] == first.headers["etag"]

    async def test_a_failing_field_undoes_the_changes_of_the_others(
        self, owner: Caller, live: Live, readback: Readback
    ) -> None:
        me = SignedIn(UserId(owner.user.id), new_id(), Origin(str(new_id()), ""))
        names = 'select name, version from "user" where id = :id union all select name, version from membership '
        names += "where user_id = :id"
        before = await readback(names, id=owner.user.id)
        recorded = "select before, after from audit_event where request_id = :id"

        with pytest.raises(Forbidden):
            await live.kernel.own_account.update(me, [Rename("Ada"), FailingChange()], lambda _version: None)
        assert await readback(names, id=owner.user.id) == before
        assert await readback(recorded, id=me.origin.request_id) == []

        await live.kernel.own_account.update(me, [Rename("Ada"), VerifyingChange()], lambda _version: None)
        assert {row["name"] for row in await readback(names, id=owner.user.id)} == {"Ada"}
        event = {"before": {"name": owner.user.name, "verified": None}, "after": {"name": "Ada", "verified": True}}
        assert await readback(recorded, id=me.origin.request_id) == [event]

    @pytest.mark.parametrize(
        "body", [{"name": ""}, {"name": None}, {"name": "a\r\nb"}, {"email": "x@example.com"}, {"status": "active"}]
    )
    async def test_other_fields_cannot_be_changed(self, owner: Caller, body: dict[str, object]) -> None:
        assert code_of(await owner.patch("/me", body)) == (422, "invalid_request")
        assert (await owner.patch("/me", {"name": "Ada"})).status_code == 200


class TestPassword:
    BODY = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}  # noqa: RUF012 - never changed

    async def test_a_change_ends_all_other_sessions(self, visitor: Visitor, user: UserRow, readback: Readback) -> None:
        here, elsewhere = await signed_in(visitor, user), await signed_in(visitor, user)
        assert (await elsewhere.get("/me")).status_code == 200

        answer = await here.send("PUT", "/me/password", json=self.BODY)

        assert (answer.status_code, answer.content) == (204, b"")
        await answers(401, lambda: elsewhere.get("/me"))
        assert (await here.get("/me")).status_code == 200
        assert problem(await visitor.login(user.email)) == (401, "login_refused")
        assert (await visitor.login(user.email, password=OTHER_PASSWORD)).status_code == 200
        assert [mail.template for mail in await emails_to(readback, user.email)] == ["password_changed"]

    async def test_a_reset_link_sent_before_a_change_is_refused(
        self, visitor: Visitor, user: UserRow, readback: Readback
    ) -> None:
        await forgot(visitor, user.email)
        [mail] = await emails_to(readback, user.email)
        here = await signed_in(visitor, user)
        await here.send("PUT", "/me/password", json=self.BODY)

        assert problem(await reset(visitor, mail.secret)) == (400, "link_refused")

    async def test_a_wrong_current_password_changes_nothing(self, visitor: Visitor, user: UserRow) -> None:
        here, elsewhere = await signed_in(visitor, user), await signed_in(visitor, user)
        answer = await here.send("PUT", "/me/password", json={**self.BODY, "current_password": "wrong"})

        assert problem(answer) == (403, "current_password_wrong")
        assert (await elsewhere.get("/me")).status_code == 200
        assert (await visitor.login(user.email)).status_code == 200

    async def test_a_user_without_a_password_cannot_change_it(self, newcomer: Caller) -> None:
        assert code_of(await newcomer.send("PUT", "/me/password", json=self.BODY)) == (403, "current_password_wrong")

    @pytest.mark.parametrize("easy", ["passwordpassword", "{email}", "{name}"])
    async def test_an_easy_password_is_refused(self, visitor: Visitor, make: Factories, easy: str) -> None:
        user = await make.user(password=PASSWORD, name="Augusta Ada King")
        here = await signed_in(visitor, user)
        new = easy.format(email=user.email, name=user.name)

        answer = await here.send("PUT", "/me/password", json={**self.BODY, "new_password": new})
        assert problem(answer) == (422, "password_too_easy")
        assert (await here.send("PUT", "/me/password", json=self.BODY)).status_code == 204

    async def test_guessing_the_current_password_is_throttled(self, visitor: Visitor, user: UserRow) -> None:
        here = await signed_in(visitor, user)
        guess = {**self.BODY, "current_password": "wrong"}
        statuses = [(await here.send("PUT", "/me/password", json=guess)).status_code for _ in range(13)]

        assert set(statuses) == {403, 429}
        assert (await visitor.login(user.email)).status_code == 200


class TestSessions:
    async def test_sessions_are_listed_and_the_current_one_is_marked(self, visitor: Visitor, user: UserRow) -> None:
        await signed_in(visitor, user)
        here = await signed_in(visitor, user)
        found = (await here.get("/me/sessions")).json()["items"]

        assert [session["current"] for session in found].count(True) == 1
        assert len(found) == 2
        assert set(found[0]) == {"id", "created_at", "last_used_at", "expires_at", "current"}

    async def test_a_session_that_was_not_refreshed_for_too_long_is_not_listed(
        self, visitor: Visitor, user: UserRow, make: Factories, readback: Readback
    ) -> None:
        here, idle = await signed_in(visitor, user), await make.session(user)
        assert str(idle) in {session["id"] for session in (await here.get("/me/sessions")).json()["items"]}

        await readback("update auth_session set refresh_by = now() where id = :id", id=idle)

        assert [session["current"] for session in (await here.get("/me/sessions")).json()["items"]] == [True]

    async def test_a_session_can_be_ended(self, visitor: Visitor, user: UserRow) -> None:
        elsewhere, here = await signed_in(visitor, user), await signed_in(visitor, user)
        [other] = [s["id"] for s in (await here.get("/me/sessions")).json()["items"] if not s["current"]]

        assert (await here.delete(f"/me/sessions/{other}")).status_code == 204

        await answers(401, lambda: elsewhere.get("/me"))
        assert [s["current"] for s in (await here.get("/me/sessions")).json()["items"]] == [True]
        assert code_of(await here.delete(f"/me/sessions/{other}")) == (404, "not_found")

    async def test_another_users_session_is_not_found(
        self, visitor: Visitor, user: UserRow, make: Factories, readback: Readback
    ) -> None:
        here = await signed_in(visitor, user)
        theirs: UUID = await make.session(await make.user())

        refused = await here.delete(f"/me/sessions/{theirs}")

        assert sameness(refused) == sameness(await here.delete(f"/me/sessions/{new_id()}"))
        assert refused.status_code == 404
        assert await readback("select revoked_at from auth_session where id = :id", id=theirs) == [{"revoked_at": None}]
