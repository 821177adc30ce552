"""Staff appoint and dismiss staff, and change their roles."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import httpx
import pytest

from insula.core.ids import new_id
from tests.support.app import SignIn
from tests.support.factories import Factories, UserRow
from tests.support.provider import Readback
from tests.support.staff import Caller, Hire, code_of
from tests.support.waiting import answers


async def role_of(readback: Readback, user: UserRow) -> object:
    rows = await readback("select role from staff where user_id = :id", id=user.id)
    return rows[0]["role"] if rows else None


async def test_all_staff_find_their_own_by_name_email_and_role(hire: Hire, make: Factories) -> None:
    word = new_id().hex
    one = await make.staff("support", await make.user(name=f"B {word}"))
    two = await make.staff("auditor", await make.user(name=f"A {word}"))
    await make.user(name=f"C {word}")
    for role in ("superuser", "support", "auditor"):
        page = (await (await hire(role)).get("/staff", search=word, sort_by="name")).json()
        by_role = (await (await hire(role)).get("/staff", search=word, role="support")).json()

        assert [found["user_id"] for found in page["items"]] == [str(two.id), str(one.id)]
        assert (page["total"], page["items"][0]["role"]) == (2, "auditor")
        assert [found["user_id"] for found in by_role["items"]] == [str(one.id)]


class TestAppoint:
    async def test_an_appointed_user_is_admitted_within_a_second_in_every_process(
        self,
        superuser: Caller,
        client: httpx.AsyncClient,
        other_process: httpx.AsyncClient,
        sign_in: SignIn,
        user: UserRow,
        readback: Readback,
    ) -> None:
        token = await sign_in(user, None, "admin")
        for process in (client, other_process):
            assert (await process.get("/admin/v1/tenants", headers=token)).status_code == 403

        made = await superuser.send("POST", "/staff", {"email": user.email.upper(), "role": "support"})

        assert (made.status_code, made.json()["role"], made.json()["user_id"]) == (201, "support", str(user.id))
        assert made.headers["location"].endswith(f"/staff/{user.id}")
        for process in (client, other_process):
            await answers(200, partial(process.get, "/admin/v1/tenants", headers=token))
        acts = await readback(
            "select actor_id, after from audit_event where action = 'staff.appointed' and object_id = :id",
            id=str(user.id),
        )
        assert acts == [{"actor_id": superuser.user.id, "after": {"email": user.email, "role": "support"}}]

    async def test_appointing_somebody_twice_is_refused(
        self, superuser: Caller, user: UserRow, readback: Readback
    ) -> None:
        posts = [superuser.send("POST", "/staff", {"user_id": str(user.id), "role": "support"}) for _ in range(5)]
        answered = await asyncio.gather(*posts)

        assert sorted(answer.status_code for answer in answered) == [201] + [409] * 4
        again = await superuser.send("POST", "/staff", {"user_id": str(user.id), "role": "superuser"})
        assert code_of(again) == (409, "already_staff")
        assert await role_of(readback, user) == "support"

    async def test_a_user_without_a_verified_active_account_is_refused(
        self, superuser: Caller, make: Factories, readback: Readback
    ) -> None:
        suspended = await make.user(status="suspended")
        unverified = await make.user()
        await readback('update "user" set email_verified_at = null where id = :id', id=unverified.id)
        for body, problem in (
            ({"user_id": str(new_id())}, (404, "user_not_found")),
            ({"email": f"{new_id().hex}@example.com"}, (404, "user_not_found")),
            ({"user_id": str(suspended.id)}, (409, "user_unfit")),
            ({"user_id": str(unverified.id)}, (409, "user_unfit")),
            ({"user_id": str(suspended.id), "email": suspended.email}, (422, "invalid_request")),
            ({}, (422, "invalid_request")),
        ):
            assert code_of(await superuser.send("POST", "/staff", {**body, "role": "auditor"})) == problem

    async def test_only_a_superuser_appoints_changes_and_dismisses(
        self, hire: Hire, superuser: Caller, user: UserRow
    ) -> None:
        body = {"user_id": str(user.id), "role": "superuser"}
        one = await hire("auditor")
        for role in ("support", "auditor"):
            caller = await hire(role)
            for method, path, sent in (
                ("POST", "/staff", body),
                ("PATCH", f"/staff/{one.user.id}", {"role": "superuser"}),
                ("DELETE", f"/staff/{one.user.id}", None),
            ):
                assert code_of(await caller.send(method, path, sent)) == (403, "forbidden")
        assert (await superuser.send("POST", "/staff", body)).status_code == 201


class TestChange:
    async def test_another_role_and_dismissal_take_effect_within_a_second_in_every_process(
        self, hire: Hire, superuser: Caller, other_process: httpx.AsyncClient, readback: Readback
    ) -> None:
        support = await hire("support")
        path = f"/staff/{support.user.id}"

        async def stop_nobody(process: httpx.AsyncClient) -> httpx.Response:
            return await process.post(f"/admin/v1/users/{new_id()}/suspend", headers=support.token)

        async def look(process: httpx.AsyncClient) -> httpx.Response:
            return await process.get("/admin/v1/tenants", headers=support.token)

        processes = (support.client, other_process)
        assert [(await stop_nobody(process)).status_code for process in processes] == [404, 404]

        changed = await superuser.send("PATCH", path, {"role": "auditor"})

        assert (changed.status_code, changed.json()["role"]) == (200, "auditor")
        for process in processes:
            await answers(403, partial(stop_nobody, process))
            assert (await look(process)).status_code == 200

        dismissed = await superuser.send("DELETE", path)

        assert dismissed.status_code == 204
        for process in processes:
            await answers(403, partial(look, process))
        assert await role_of(readback, support.user) is None
        for method, body in (("PATCH", {"role": "auditor"}), ("DELETE", None)):
            assert code_of(await superuser.send(method, path, body)) == (404, "not_found")
        acts = await readback(
            "select action, before, after from audit_event where object_type = 'staff' and object_id = :id "
            "order by sequence",
            id=str(support.user.id),
        )
        assert acts == [
            {"action": "staff.role_changed", "before": {"role": "support"}, "after": {"role": "auditor"}},
            {
                "action": "staff.dismissed",
                "before": {"email": support.user.email, "role": "auditor"},
                "after": None,
            },
        ]

    async def test_nobody_changes_or_dismisses_themselves(self, superuser: Caller, readback: Readback) -> None:
        path = f"/staff/{superuser.user.id}"
        for method, body in (("PATCH", {"role": "superuser"}), ("PATCH", {"role": "auditor"}), ("DELETE", None)):
            assert code_of(await superuser.send(method, path, body)) == (409, "own_staff_role")
        assert await role_of(readback, superuser.user) == "superuser"


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
    async def test_superusers_who_dismiss_each_other_at_once_leave_one(self, hire: Hire, readback: Readback) -> None:
        for trial in range(12):
            one, two = await hire("superuser"), await hire("superuser")
            ways = (
                lambda caller, other: caller.send("DELETE", f"/staff/{other.user.id}"),
                lambda caller, other: caller.send("PATCH", f"/staff/{other.user.id}", {"role": "support"}),
                lambda caller, other: caller.post(f"/users/{other.user.id}/suspend"),
            )

            await asyncio.gather(ways[trial % 3](one, two), ways[trial // 3 % 3](two, one))

            left = await readback(
                'select "user".id from staff join "user" on "user".id = user_id '
                "where role = 'superuser' and status = 'active'"
            )
            assert len(left) == 1
            assert left[0]["id"] in {one.user.id, two.user.id}
            await readback("update \"user\" set status = 'suspended' where id = :id", id=left[0]["id"])
