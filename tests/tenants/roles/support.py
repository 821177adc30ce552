"""Helpers for custom roles."""

from typing import Any

from insula.core.ids import new_id
from tests.support.apps import POLICY
from tests.tenants.support import Caller

BASIC = sorted(POLICY.in_every_role)
EDITS = ("rack:read", "rack:create", "rack:update")
RUNS_ROLES = ("role:read", "role:create", "role:update", "role:delete")


def role(*permissions: str, **more: object) -> dict[str, object]:
    """Return the body that defines a role."""
    return {"key": f"r-{new_id().hex[-12:]}", "name": "Editor", "permissions": list(permissions), **more}


async def defined(caller: Caller, *permissions: str, **more: object) -> dict[str, Any]:
    """Define a role and return it."""
    answer = await caller.post("/roles", role(*permissions, **more))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found
