"""Helpers that create API keys as a manager, and send requests with them."""

from datetime import timedelta
from typing import Any, Final

from tests.tenants.support import API, Caller

MANAGERS: Final = {"owner", "admin"}
IMPORT: Final = {"name": "Import", "actions": ["rack:read"]}
HOUR: Final = timedelta(hours=1)


async def made(caller: Caller, **changes: object) -> dict[str, Any]:
    """Create a key and return the answer with its secret."""
    answer = await caller.post("/api-keys", IMPORT | changes)
    assert answer.status_code == 201, answer.text
    issued: dict[str, Any] = answer.json()
    return issued


async def status_with(caller: Caller, key: str) -> int:
    """Return the status of a request with ``key``."""
    answer = await caller.client.get(f"{API}/racks", headers={"X-API-Key": key})
    return answer.status_code
