"""Which API keys are good: a bounded cache over the gate role, as true as what the directory says of people."""

import asyncio
from typing import Final
from uuid import UUID

from insula.db.pools import Database
from insula.db.roles import DatabaseRole
from insula.ids import TenantId
from insula.tenancy import queries
from insula.tenancy.cache import Loaded, SubjectCache
from insula.tenancy.records import KeyAccess, tenant_record

_UNKNOWN: Final = 1_000  # remembered at most of keys that are none
_Name = tuple[TenantId, UUID]


class _NoSuchKey(Exception):
    """No tenant has this key, or it was revoked."""


class KeyCache:
    """Remembers good keys, and apart from them a few that are not: strange ones push no good one out.

    Anybody can write a key with a right checksum, so keys are looked up one at a time: a flood of
    strange ones holds up other keys that are not remembered, and nobody else at the gate.
    """

    def __init__(self, database: Database, size: int, ttl: float) -> None:
        self._database = database
        self._lane = asyncio.Lock()
        self._good: SubjectCache[_Name, KeyAccess] = SubjectCache(size, ttl)
        self._unknown: SubjectCache[_Name, bool] = SubjectCache(_UNKNOWN, ttl)

    def believe_for(self, seconds: float) -> None:
        """Believe what was read for so long."""
        self._good.ttl = self._unknown.ttl = seconds

    def drop(self, subject: UUID) -> None:
        """Forget the key, or every key of the tenant, that has changed."""
        self._good.drop(subject)
        self._unknown.drop(subject)

    def flush(self) -> None:
        """Forget everything."""
        self._good.flush()
        self._unknown.flush()

    async def close(self) -> None:
        """End the reads that are still running."""
        await self._good.close()
        await self._unknown.close()

    async def find(self, tenant_id: TenantId, key_id: UUID) -> KeyAccess | None:
        """Return what the tenant's key may; None for a revoked one, and for one that is nowhere."""
        name = (tenant_id, key_id)
        found = self._good.get(name)
        if found is not None:
            return found
        if self._unknown.get(name):
            return None
        try:
            return await self._good.load(name, name, lambda: self._read(tenant_id, key_id))
        except _NoSuchKey:
            await self._unknown.load(name, name, lambda: _noted(name))
            return None

    async def _read(self, tenant_id: TenantId, key_id: UUID) -> Loaded[KeyAccess]:
        values = {"tenant_id": tenant_id, "key_id": key_id}
        async with self._lane, self._database.unit(DatabaseRole.GATE) as unit:
            connection = await unit.session.connection()
            row = (await connection.execute(queries.API_KEY, values)).one_or_none()
        if row is None:
            raise _NoSuchKey
        access = KeyAccess(
            key_id=key_id,
            name=row.key_name,
            tenant=tenant_record(row),
            actions=frozenset(row.actions),
            digest=row.secret_hash,
            previous_digest=row.previous_hash,
            previous_until=row.previous_until.timestamp() if row.previous_until else 0.0,
            expires_at=row.expires_at.timestamp() if row.expires_at else None,
        )
        return Loaded(access, frozenset({tenant_id, key_id}))


async def _noted(name: _Name) -> Loaded[bool]:
    return Loaded(value=True, subjects=frozenset(name))
