"""A tenant's first week, with two real uvicorn processes, a real worker and a real SMTP server."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

import httpx
import pytest

from insula.core import clock
from insula.core.settings import Settings
from tests.support.app import serving, wait_until
from tests.support.mail import Sink
from tests.support.worker import quick, spawn

PASSWORD = "nine purple lanterns"
OVERLAP_SECONDS = 2


@dataclass(frozen=True)
class Processes:
    """The processes of an installation, and the emails that it sends."""

    one: str
    two: str
    public_url: str
    sink: Sink

    def secret(self, address: str, prefix: str, newest: int = 1) -> str:
        """Return the secret of this kind in the newest email to the address, once ``newest`` of them arrived."""
        pattern = re.compile(rf"{prefix}_[\w-]+")
        found: list[str] = []

        def arrived() -> bool:
            texts = [mail.get_body(("plain",)) for mail in self.sink.to(address)]
            found[:] = [match[0] for text in texts if text and (match := pattern.search(text.get_content()))]
            return len(found) >= newest

        wait_until(arrived)
        return found[-1]


@pytest.fixture
def installed(settings: Settings, sink: Sink) -> Iterator[Processes]:
    with serving(settings) as one, serving(settings) as two, spawn(quick(sink.settings(settings))) as worker:
        try:
            yield Processes(one, two, settings.public_url, sink)
        finally:
            worker.terminate()


class Person:
    """A person with an email address, who signs in as needed."""

    def __init__(self, installed: Processes, name: str) -> None:
        self.installed = installed
        self.name = name
        self.email = f"{name.lower()}-{uuid4().hex[:12]}@example.com"
        self.token = ""

    def call(self, method: str, path: str, body: object = None, *, status: int | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        answer = httpx.request(method, self.installed.one + path, json=body, headers=headers)
        if status is not None:
            assert answer.status_code == status, (method, path, answer.text)
        return answer

    def register(self) -> "Person":
        body = {"email": self.email, "name": self.name, "password": PASSWORD}
        self.call("POST", "/auth/register", body, status=202)
        refused = self.log_in()
        assert (refused.status_code, refused.json()["code"]) == (403, "email_not_verified")
        secret = self.installed.secret(self.email, "insula_ev")
        assert self.call("POST", "/auth/verify", {"token": secret, "password": PASSWORD}).is_success
        assert self.call("POST", "/auth/verify", {"token": secret, "password": PASSWORD}).is_client_error
        assert self.log_in().status_code == 200
        return self

    def log_in(self, tenant: str | None = None) -> httpx.Response:
        body = {"email": self.email, "password": PASSWORD, "resource": f"{self.installed.public_url}/api"}
        answer = httpx.post(f"{self.installed.one}/auth/login", json=body | ({"tenant": tenant} if tenant else {}))
        self.token = answer.json().get("access_token", "")
        return answer

    def is_refused(self, path: str) -> bool:
        """Send a request to the other process, which receives a notification of the change."""
        answer = httpx.get(self.installed.two + path, headers={"Authorization": f"Bearer {self.token}"})
        return answer.status_code in (401, 403)

    def membership(self, of: "Person") -> str:
        members = self.call("GET", "/api/v1/members?limit=100", status=200).json()["items"]
        return str(next(member["id"] for member in members if member["email"] == of.email))


def test_the_first_week(installed: Processes) -> None:
    # Ada registers, confirms her address, and begins a tenant.
    ada = Person(installed, "Ada").register()
    slug = f"week-{uuid4().hex[:10]}"
    ada.call("POST", "/api/v1/tenants", {"slug": slug, "name": "Week"}, status=201)
    assert ada.log_in(slug).status_code == 200
    rack = ada.call("POST", "/api/v1/racks", {"name": "Aqueduct"}, status=201).json()["id"]

    # She invites two. One registers to accept; the other's invitation is revoked before it is used.
    grace, mallory = Person(installed, "Grace"), Person(installed, "Mallory")
    ada.call("POST", "/api/v1/invitations", {"email": grace.email.upper(), "role": "member"}, status=201)
    revoked = ada.call("POST", "/api/v1/invitations", {"email": mallory.email, "role": "admin"}, status=201).json()
    for_grace = installed.secret(grace.email, "insula_inv")
    for_mallory = installed.secret(mallory.email, "insula_inv")
    ada.call("DELETE", f"/api/v1/invitations/{revoked['id']}", status=204)
    mallory.register()
    assert mallory.call("POST", "/api/v1/invitations/accept", {"token": for_mallory}).is_client_error
    assert mallory.call("POST", "/api/v1/invitations/accept", {"token": for_grace}).is_client_error
    grace.register()
    assert grace.call("POST", "/api/v1/invitations/accept", {"token": for_grace}).is_success
    assert grace.call("POST", "/api/v1/invitations/accept", {"token": for_grace}).is_client_error
    assert grace.log_in(slug).status_code == 200
    assert mallory.log_in(slug).status_code == 403

    # Roles change, at once and on every process.
    grace.call("POST", "/api/v1/racks", {"name": "Road"}, status=201)
    place = ada.membership(grace)
    ada.call("PATCH", f"/api/v1/members/{place}", {"role": "viewer"}, status=200)
    wait_until(lambda: grace.call("POST", "/api/v1/racks", {"name": "Bridge"}).status_code == 403, seconds=1)
    ada.call("PATCH", f"/api/v1/members/{place}", {"role": "admin"}, status=200)
    wait_until(lambda: grace.call("POST", "/api/v1/racks", {"name": "Bridge"}).status_code == 201, seconds=1)

    # A key is made, used and rotated; the previous secret ends with the overlap.
    actions = ["rack:read", "book:create"]
    key = ada.call("POST", "/api/v1/api-keys", {"name": "Importer", "actions": actions}, status=201).json()
    books = f"{installed.two}/api/v1/racks/{rack}/books"

    def use(secret: str) -> int:
        return httpx.post(books, json={"title": "Stone"}, headers={"X-API-Key": secret}).status_code

    old = key["key"]
    assert use(old) == 201
    rotated = ada.call("POST", f"/api/v1/api-keys/{key['id']}/rotate", {"overlap_seconds": OVERLAP_SECONDS})
    assert rotated.is_success, rotated.text
    new = rotated.json()["key"]
    assert (use(old), use(new)) == (201, 201)
    overlap_until = datetime.fromisoformat(rotated.json()["overlap_until"])
    wait_until(lambda: clock.now() > overlap_until)
    assert (use(old), use(new)) == (401, 201)
    assert httpx.delete(f"{installed.one}/api/v1/racks/{rack}", headers={"X-API-Key": new}).status_code == 403

    # The only owner cannot leave; after she transfers the ownership, she can.
    refused = ada.call("DELETE", "/api/v1/members/me")
    assert (refused.status_code, refused.json()["code"]) == (409, "last_owner")
    ada.call("POST", "/api/v1/tenant/ownership", {"member_id": place}, status=200)
    ada.call("DELETE", "/api/v1/members/me", status=204)
    wait_until(lambda: ada.is_refused("/api/v1/tenant"), seconds=1)
    members = grace.call("GET", "/api/v1/members", status=200).json()["items"]
    assert [(member["email"], member["role"]) for member in members] == [(grace.email, "owner")]

    # The audit log has everything that happened.
    events = grace.call("GET", "/api/v1/audit-events?limit=100", status=200).json()["items"]
    happened = {event["action"] for event in events}
    assert {"tenant.created", "invitation.created", "invitation.revoked", "invitation.accepted"} <= happened
    assert {"member.role_changed", "ownership.transferred", "member.left"} <= happened
