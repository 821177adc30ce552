"""Helpers that append to audit chains, and the type of a helper that tampers with them."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from insula.audit import Actor, AuditAction, record_in
from insula.db.engine.pools import Database
from tenants.database import TENANTS

Readback = Callable[..., Awaitable[list[dict[str, Any]]]]
Tamper = Callable[..., Awaitable[None]]


class Act(AuditAction):
    """Acts for tests, which no app declares."""

    DONE = "thing.done"
    CHANGED = "thing.changed"
    UNDONE = "thing.undone"
    FIRST = "thing.first"
    SECOND = "thing.second"


async def append(database: Database, chain: UUID, count: int = 1, **event: Any) -> None:
    """Append events to the chain, in one transaction."""
    named = {"object_type": "thing", "object_id": "1", **event}
    async with database.unit(TENANTS, chain) as unit:
        for number in range(count):
            after = named.get("after", {"number": number})
            record_in(
                unit,
                named.get("actor", Actor("user")),
                named.get("action", Act.DONE),
                object_type=named["object_type"],
                object_id=named["object_id"],
                before=named.get("before"),
                after=after,
                tenant_id=chain,
            )
