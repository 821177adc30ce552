"""Helpers that register OAuth clients as a manager."""

from collections.abc import Mapping
from typing import Any, Final

from tests.tenants.support import Caller

MANAGERS: Final = {"owner", "admin"}
CALLBACK: Final = "https://app.example.com/callback"
MACHINE: Final[dict[str, object]] = {
    "name": "Export",
    "kind": "confidential",
    "grants": ["client_credentials"],
    "scopes": ["rack:read"],
}
FOR_USERS: Final[dict[str, object]] = {
    "name": "Phone",
    "kind": "public",
    "grants": ["authorization_code", "refresh_token"],
    "redirect_uris": [CALLBACK],
    "post_logout_redirect_uris": [f"{CALLBACK}/out"],
    "scopes": ["rack:read", "member:update"],
}


async def registered(caller: Caller, body: Mapping[str, object] = MACHINE, **changes: object) -> dict[str, Any]:
    """Register a client and return the answer with its secret."""
    answer = await caller.post("/oauth-clients", {**body, **changes})
    assert answer.status_code == 201, answer.text
    issued: dict[str, Any] = answer.json()
    return issued
