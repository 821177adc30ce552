"""Recomputes the chains, to detect whether an event was changed, removed, moved or cut off after it was recorded.

Each hash covers the previous event's hash and the event's row, as PostgreSQL writes it as JSON. An
attacker leaves no trace only by rewriting all later rows and the head too; to detect that, keep copies
of the heads outside the database.
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from insula.core.settings import Settings
from insula.db.engine.address import ENGINE
from insula.db.engine.connection import TOOL
from insula.db.engine.roles import BACKUP, role_url

_BEGINNING: Final = bytes(32)
_SEES_ALL: Final = text("SELECT rolbypassrls OR rolsuper FROM pg_roles WHERE rolname = current_user")
_CHAINS: Final = text("SELECT tenant_id FROM audit_head UNION SELECT tenant_id FROM audit_event ORDER BY 1")
_HEAD: Final = text("SELECT sequence, hash FROM audit_head WHERE tenant_id = :chain")
_EVENTS: Final = text("""
SELECT sequence, previous_hash, hash, jsonb_build_array(
    tenant_id, sequence, id, (extract(epoch FROM occurred_at) * 1000000)::bigint, actor_kind, actor_id, actor_label,
    action, object_type, object_id, before, after, request_id, address
)::text AS hashed
FROM audit_event WHERE tenant_id = :chain ORDER BY sequence
""")


@dataclass(frozen=True, slots=True)
class ChainResult:
    """The result of verifying one chain: it is intact if ``broken`` is None."""

    chain: UUID
    events: int
    """The number of intact events, counted from the first."""
    head: bytes
    """The hash of the last intact event."""
    broken: str | None


@asynccontextmanager
async def reader(settings: Settings) -> AsyncIterator[AsyncConnection]:
    """Connect as the backup role, with one snapshot of all chains. Raises PermissionError if it cannot see them all."""
    engine = create_async_engine(
        ENGINE,
        connect_args={"dsn": role_url(settings, BACKUP, direct=True), **TOOL},
        poolclass=NullPool,
        isolation_level="REPEATABLE READ",
    )
    try:
        async with engine.connect() as connection:
            if not (await connection.execute(_SEES_ALL)).scalar_one():
                raise PermissionError(f"{BACKUP} does not bypass row-level security")
            yield connection
    finally:
        await engine.dispose()


async def chains(connection: AsyncConnection) -> list[UUID]:
    """Return every chain that has a head or an event."""
    return list((await connection.execute(_CHAINS)).scalars())


async def verify(connection: AsyncConnection, chain: UUID) -> ChainResult:
    """Recompute the chain, up to its first break."""
    sequence, last = 0, _BEGINNING
    async with connection.stream(_EVENTS, {"chain": chain}) as events:
        async for event in events:
            if event.sequence != sequence + 1:
                return ChainResult(chain, sequence, last, f"event {sequence + 1} is missing")
            if event.previous_hash != last:
                return ChainResult(chain, sequence, last, f"event {event.sequence} does not follow from the one before")
            if event.hash != hashlib.sha256(last + event.hashed.encode()).digest():
                return ChainResult(chain, sequence, last, f"event {event.sequence} is not what was recorded")
            sequence, last = event.sequence, event.hash
    head = (await connection.execute(_HEAD, {"chain": chain})).one_or_none()
    if head is None:
        return ChainResult(chain, sequence, last, "the head is missing" if sequence else None)
    if head.sequence != sequence:
        return ChainResult(
            chain, sequence, last, f"the log ends at event {sequence}, its head at event {head.sequence}"
        )
    return ChainResult(
        chain, sequence, last, None if head.hash == last else f"the head is not that of event {sequence}"
    )
