"""API keys, made and used as a manager and a machine would."""

from datetime import timedelta
from typing import Any, Final

from tests.tenants.support import API, Caller

MANAGERS: Final = {"owner", "admin"}
IMPORT: Final = {"name": "Import", "actions": ["rack:read"]}
HOUR: Final = timedelta(hours=1)


async def made(caller: Caller, **changes: object) -> dict[str, Any]:
    """Make a key and return the answer, secret and all."""
    answer = await caller.post("/api-keys", IMPORT | changes)
    assert answer.status_code == 201, answer.text
    issued: dict[str, Any] = answer.json()
    return issued


async def works(caller: Caller, key: str) -> int:
    """Return what a request that presents ``key`` is answered."""
    answer = await caller.client.get(f"{API}/racks", headers={"X-API-Key": key})
    return answer.status_code
