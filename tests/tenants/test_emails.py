"""Emails about membership: text and HTML, a working token, and none for a change that was rolled back."""

import re
from email.message import EmailMessage
from uuid import UUID

import pytest

from insula.access import Role
from insula.core.ids import new_id
from insula.core.settings import Settings
from tenants.invitations import tokens
from tests.support.apps import MAIL_JOBS
from tests.support.factories import Factories, TenantRow
from tests.support.mail import Sink
from tests.support.waiting import until
from tests.support.worker import quick, working
from tests.tenants.conftest import Join
from tests.tenants.support import Caller, Readback, membership_of

TOKEN = re.compile(r"insula_inv_[\w-]+")


def address() -> str:
    return f"guest-{new_id().hex}@example.com"


def bodies(message: EmailMessage) -> tuple[str, str]:
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    return text.get_content(), html.get_content()


async def arrived(settings: Settings, sink: Sink, to: str) -> EmailMessage:
    async with working(quick(sink.settings(settings)), MAIL_JOBS):
        await until(lambda: bool(sink.to(to)), seconds=60)  # after the jobs that other tests left in the queue
    [message] = sink.to(to)
    return message


async def mails_of(readback: Readback, tenant: TenantRow) -> list[object]:
    rows = await readback(
        "select args -> 'arguments' ->> 'to' as recipient from jobs.procrastinate_jobs "
        "where tenant_id = :id order by id",
        id=tenant.id,
    )
    return [row["recipient"] for row in rows]


class TestInvitation:
    async def test_names_inviter_tenant_and_role_and_contains_the_token(
        self, join: Join, make: Factories, settings: Settings, sink: Sink
    ) -> None:
        owner = await join(await make.tenant(plan="pro", name="Ünï <b>Co</b> & Sons"), "owner")
        to = address()
        made = await owner.post("/invitations", {"email": to, "role": Role.BILLING_MANAGER})
        message = await arrived(settings, sink, to)
        text, html = bodies(message)
        assert message["Subject"] == "An invitation for you"
        role = Role.BILLING_MANAGER.replace("_", " ")
        assert f"join Ünï <b>Co< b> & Sons, as {role}" in text
        assert f"join Ünï &lt;b&gt;Co&lt; b&gt; &amp; Sons, as {role}" in html
        for body in (text, html):
            [token] = set(TOKEN.findall(body))
            assert f"{settings.public_url}/invitations/accept#token={token}" in body
            assert f"{settings.public_url}/api/v1/invitations/accept" in body
            assert tokens.read(token) == (owner.home.id, UUID(made.json()["id"]))

    async def test_contains_a_valid_token(
        self, owner: Caller, newcomer: Caller, settings: Settings, sink: Sink
    ) -> None:
        await owner.post("/invitations", {"email": newcomer.user.email, "role": "viewer"})
        text, _ = bodies(await arrived(settings, sink, newcomer.user.email))
        [token] = set(TOKEN.findall(text))
        accepted = await newcomer.post("/invitations/accept", {"token": token})
        assert (accepted.status_code, accepted.json()["role"]) == (200, "viewer")

    async def test_contains_another_token_when_it_is_resent(
        self, owner: Caller, newcomer: Caller, settings: Settings, sink: Sink
    ) -> None:
        to = newcomer.user.email
        made = await owner.post("/invitations", {"email": to, "role": "viewer"})
        assert (await owner.post(f"/invitations/{made.json()['id']}/resend", None)).status_code == 200
        async with working(quick(sink.settings(settings)), MAIL_JOBS):
            await until(lambda: len(sink.to(to)) == 2, seconds=60)
        found = {token for message in sink.to(to) for token in TOKEN.findall(bodies(message)[0])}
        answers = [await newcomer.post("/invitations/accept", {"token": token}) for token in found]
        assert sorted(answer.status_code for answer in answers) == [200, 404]

    async def test_is_not_sent_for_a_refused_request(
        self, owner: Caller, tenant: TenantRow, readback: Readback, join: Join
    ) -> None:
        member, to = await join(tenant), address()
        assert (await owner.post("/invitations", {"email": member.user.email, "role": "viewer"})).status_code == 409
        assert await mails_of(readback, tenant) == []
        await owner.post("/invitations", {"email": to, "role": "viewer"})
        assert (await owner.post("/invitations", {"email": to, "role": "viewer"})).status_code == 409
        assert await mails_of(readback, tenant) == [to]

    @pytest.mark.parametrize("name", ["Line\u2028Break", "Back\u202ewards", "Next\u0085Line"])
    async def test_accepts_names_with_line_breaks(
        self, make: Factories, join: Join, settings: Settings, sink: Sink, name: str
    ) -> None:
        tenant = await make.tenant(plan="pro", name=name)
        caller, to = await join(tenant, "owner"), address()
        assert (await caller.post("/invitations", {"email": to, "role": "viewer"})).status_code == 201
        message = await arrived(settings, sink, to)
        assert f"join {name[:4]} {name[5:]}, as viewer" in bodies(message)[0]


class TestOwnership:
    async def test_is_announced_to_the_new_owner(
        self, owner: Caller, join: Join, tenant: TenantRow, readback: Readback, settings: Settings, sink: Sink
    ) -> None:
        heir = await join(tenant, "member")
        answer = await owner.post("/tenant/ownership", {"member_id": await membership_of(readback, heir)})
        assert answer.status_code == 200
        message = await arrived(settings, sink, heir.user.email)
        assert message["Subject"] == "You are an owner now"
        assert all(f"{owner.user.name} has made you the owner of {tenant.name}." in body for body in bodies(message))
