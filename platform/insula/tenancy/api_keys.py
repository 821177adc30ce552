"""A cache of valid API keys, invalidated as the directory's other caches are."""

from uuid import UUID

from insula.core.ids import TenantId
from insula.db.engine.pools import Database
from insula.db.engine.roles import GATE
from insula.tenancy import queries
from insula.tenancy.cache import Loaded, LookupCache
from insula.tenancy.records import KeyAccess, tenant_record


class KeyCache(LookupCache[tuple[TenantId, UUID], KeyAccess]):
    """Valid keys by tenant and key. Anybody can make up a key with a valid checksum: see ``LookupCache``."""

    def __init__(self, database: Database, size: int, ttl: float) -> None:
        super().__init__(size, ttl, database.patience)
        self._database = database

    async def key(self, tenant_id: TenantId, key_id: UUID) -> KeyAccess | None:
        """Return the access of the tenant's key, or None for a revoked or unknown key."""
        name = (tenant_id, key_id)
        return await self.find(name, name, lambda: self._read(tenant_id, key_id))

    async def _read(self, tenant_id: TenantId, key_id: UUID) -> Loaded[KeyAccess] | None:
        values = {"tenant_id": tenant_id, "key_id": key_id}
        async with self._database.unit(GATE) as unit:
            connection = await unit.session.connection()
            row = (await connection.execute(queries.API_KEY, values)).one_or_none()
        if row is None:
            return None
        access = KeyAccess(
            key_id=key_id,
            name=row.key_name,
            tenant=tenant_record(row),
            actions=frozenset(row.actions),
            digest=row.secret_hash,
            previous_digest=row.previous_hash,
            previous_until=row.previous_until.timestamp() if row.previous_until else 0.0,
            expires_at=row.expires_at.timestamp() if row.expires_at else None,
            requests_per_minute=row.requests_per_minute,
        )
        return Loaded(access, frozenset({tenant_id, key_id}))
