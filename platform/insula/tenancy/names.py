"""A cache of tenants by name: a slug, an id or a custom domain."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from insula.core.ids import TenantId
from insula.db.engine.pools import Database
from insula.db.engine.roles import GATE
from insula.tenancy import queries
from insula.tenancy.cache import Loaded, LookupCache
from insula.tenancy.host_names import as_uuid

_ANY_TENANT: Final = "tenant"  # the subject of entries that a change of any tenant may invalidate


@dataclass(frozen=True, slots=True)
class ResolvedName:
    """The tenant of a name, and its current slug."""

    tenant_id: TenantId | None
    slug: str | None


_UNKNOWN: Final = ResolvedName(None, None)


class NameCache(LookupCache[str, ResolvedName]):
    """Tenants by name. Anybody can send any host name: see ``LookupCache``."""

    def __init__(self, database: Database, size: int, ttl: float) -> None:
        super().__init__(size, ttl, database.patience)
        self._database = database

    def tenant_changed(self, tenant_id: UUID) -> None:
        """Drop the tenant's names, and all unknown names: one of them may be the tenant's now."""
        self.drop(tenant_id, _ANY_TENANT)

    async def tenant(self, name: str) -> ResolvedName:
        """Return the tenant of this name; id and slug are None for an unknown name."""
        return await self.find(name, {_ANY_TENANT}, lambda: self._read(name)) or _UNKNOWN

    async def _read(self, name: str) -> Loaded[ResolvedName] | None:
        statement, values = queries.tenant_by_name(name)
        async with self._database.unit(GATE) as unit:
            connection = await unit.session.connection()
            row = (await connection.execute(statement, values)).one_or_none()
            if row is None and (tenant_id := as_uuid(name)):
                row = (await connection.execute(queries.TENANT_BY_ID, {"id": tenant_id})).one_or_none()
        return None if row is None else Loaded(ResolvedName(TenantId(row.id), row.slug), frozenset({row.id}))
