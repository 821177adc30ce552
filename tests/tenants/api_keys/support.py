"""Helpers that make API keys as a manager, and use them as a machine."""

from datetime import timedelta
from typing import Any, Final

from tests.tenants.support import API, Caller

MANAGERS: Final = {"owner", "admin"}
IMPORT: Final = {"name": "Import", "actions": ["rack:read"]}
HOUR: Final = timedelta(hours=1)


async def made(caller: Caller, **changes: object) -> dict[str, Any]:
    """Make a key and return the answer with its secret."""
    answer = await caller.post("/api-keys", IMPORT | changes)
    assert answer.status_code == 201, answer.text
    issued: dict[str, Any] = answer.json()
    return issued


async def works(caller: Caller, key: str) -> int:
    """Return the answer to a request with ``key``."""
    answer = await caller.client.get(f"{API}/racks", headers={"X-API-Key": key})
    return answer.status_code
