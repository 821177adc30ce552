"""`insula staff add`: adds the first superuser, and their account if it is missing."""

import re

import httpx
import pytest

from insula.core.ids import new_id
from insula.core.settings import Settings
from tests.support.app import SignIn
from tests.support.apps import audience
from tests.support.factories import Factories
from tests.support.processes import insula, insula_anew
from tests.support.provider import Readback

PASSWORD = "a long horse in a staple"
LINK = re.compile(r"http://\S+/account/verify#token=(\S+)")


async def test_the_first_superuser_sets_a_password_by_a_link_and_uses_the_admin_app(
    settings: Settings, client: httpx.AsyncClient, readback: Readback
) -> None:
    email = f"u-{new_id().hex}@example.com"
    done = insula_anew(settings, "staff", "add", f" {email.upper()}")
    token = LINK.findall(done.stdout)
    credentials = {"email": email, "password": PASSWORD, "resource": audience(settings, "admin")}

    assert (done.returncode, done.stderr, len(token)) == (0, "", 1)
    assert done.stdout.startswith(f"{email} is now superuser of the staff\n")
    assert (await client.post("/auth/login", json=credentials)).status_code in (400, 401)  # nobody knows its password
    assert (await client.post("/auth/verify", json={"token": token[0], "password": PASSWORD})).status_code == 204
    access = (await client.post("/auth/login", json=credentials)).json()["access_token"]
    answer = await client.get(
        "/admin/v1/staff", headers={"Authorization": f"Bearer {access}"}, params={"search": email}
    )
    [found] = answer.json()["items"]
    assert (answer.status_code, found["role"]) == (200, "superuser")
    events = await readback(
        "select action, actor_kind, actor_label, after from audit_event where object_id = :id"
        " and action <> 'user.verified' order by sequence",
        id=found["user_id"],
    )
    assert events == [
        {"action": "user.registered", "actor_kind": "system", "actor_label": None, "after": {"email": email}},
        {
            "action": "staff.appointed",
            "actor_kind": "staff",
            "actor_label": "insula staff add",
            "after": {"email": email, "role": "superuser"},
        },
    ]
    mails = await readback(
        "select count(*) as n from jobs.procrastinate_jobs where args->'arguments'->>'to' = :email"
        " and args->'arguments'->>'template' = 'verify_email'",
        email=email,
    )
    assert mails == [{"n": 1}]


async def test_a_user_is_appointed_once_in_the_requested_role(
    settings: Settings, make: Factories, sign_in: SignIn, client: httpx.AsyncClient
) -> None:
    user = await make.user()
    headers = await sign_in(user, app="admin")
    before = await client.get("/admin/v1/staff", headers=headers)
    first, again = (insula(settings, "staff", "add", user.email, "--role", "auditor") for _ in range(2))
    other = insula(settings, "staff", "add", user.email)

    assert before.status_code == 403
    assert (first.stdout, first.stderr) == (f"{user.email} is now auditor of the staff\n", "")
    assert (again.stdout, again.returncode) == (f"{user.email} was already auditor of the staff\n", 0)
    assert (other.returncode, other.stdout) == (1, "")
    assert other.stderr.startswith(f"insula: {user.email}: Their staff role is auditor already")


@pytest.mark.parametrize(("status", "code"), [("suspended", 1), ("active", 0)])
async def test_a_suspended_user_is_not_appointed(settings: Settings, make: Factories, status: str, code: int) -> None:
    user = await make.user(status=status)

    assert insula(settings, "staff", "add", user.email).returncode == code


def test_an_invalid_email_address_is_refused(settings: Settings) -> None:
    done = insula(settings, "staff", "add", "nobody")

    assert (done.returncode, done.stdout, done.stderr) == (1, "", "insula: nobody is not an email address\n")
