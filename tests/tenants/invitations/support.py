"""Helpers for invitations."""

from datetime import timedelta

import httpx

from insula.core import clock
from insula.core.ids import new_id
from tests.tenants.support import Caller, Readback


def address() -> str:
    return f"guest-{new_id().hex}@example.com"


async def invite(caller: Caller, email: str | None = None, role: str = "member") -> httpx.Response:
    return await caller.post("/invitations", {"email": email or address(), "role": role})


async def invited(caller: Caller, email: str | None = None, role: str = "member") -> str:
    """Invite a person and return the invitation's path."""
    answer = await invite(caller, email, role)
    assert answer.status_code == 201, answer.text
    return f"/invitations/{answer.json()['id']}"


async def age(readback: Readback, path: str) -> None:
    """Make the invitation expire in the past."""
    statement = "update invitation set expires_at = :past where id = cast(:id as uuid)"
    await readback(statement, past=clock.now() - timedelta(seconds=1), id=path.rpartition("/")[2])
