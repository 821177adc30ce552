"""Which tenant a name means: a slug, an id or a host of its own; a bounded cache over the gate role."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from insula.db.pools import Database
from insula.db.roles import DatabaseRole
from insula.ids import TenantId
from insula.tenancy import queries
from insula.tenancy.cache import Loaded, Subject, SubjectCache
from insula.tenancy.hints import as_uuid

_ANY_TENANT: Final = "tenant"  # subject of what any tenant's change may make untrue
_NOBODYS: Final = 1_000  # remembered at most of names that are nobody's


@dataclass(frozen=True, slots=True)
class Named:
    """The tenant that a name means, and the slug that it has now."""

    tenant_id: TenantId | None
    slug: str | None


NOBODY: Final = Named(None, None)


class _NobodysName(Exception):
    """No tenant is called this."""


class NameCache:
    """Remembers tenants' names, and apart from them a few that are nobody's: these push no tenant out.

    Anybody can ask for any host, so names are looked up one at a time: a flood of strange ones
    holds up other names that are not remembered, and nobody else at the gate.
    """

    def __init__(self, database: Database, size: int, ttl: float) -> None:
        self._database = database
        self._lane = asyncio.Lock()
        self._tenants: SubjectCache[str, Named] = SubjectCache(size, ttl)
        self._nobodys: SubjectCache[str, bool] = SubjectCache(_NOBODYS, ttl)

    def believe_for(self, seconds: float) -> None:
        """Believe what was read for so long."""
        self._tenants.ttl = self._nobodys.ttl = seconds

    def drop(self, *tenants: UUID) -> None:
        """Forget the names of these tenants, and that names are nobody's: a tenant has changed."""
        self._tenants.drop(*tenants, _ANY_TENANT)
        self._nobodys.drop(_ANY_TENANT)

    def flush(self) -> None:
        """Forget everything."""
        self._tenants.flush()
        self._nobodys.flush()

    async def close(self) -> None:
        """End the reads that are still running."""
        await self._tenants.close()
        await self._nobodys.close()

    async def find(self, name: str) -> Named:
        """Return the tenant of this name, or NOBODY."""
        found = self._tenants.get(name)
        if found is not None:
            return found
        if self._nobodys.get(name):
            return NOBODY
        watched: Collection[Subject] = {_ANY_TENANT}
        try:
            return await self._tenants.load(name, watched, lambda: self._read(name))
        except _NobodysName:
            await self._nobodys.load(name, watched, _noted)
            return NOBODY

    async def _read(self, name: str) -> Loaded[Named]:
        statement, values = queries.named(name)
        async with self._lane, self._database.unit(DatabaseRole.GATE) as unit:
            connection = await unit.session.connection()
            row = (await connection.execute(statement, values)).one_or_none()
            if row is None and (tenant_id := as_uuid(name)):
                row = (await connection.execute(queries.TENANT_BY_ID, {"id": tenant_id})).one_or_none()
        if row is None:
            raise _NobodysName
        return Loaded(Named(TenantId(row.id), row.slug), frozenset({row.id}))


async def _noted() -> Loaded[bool]:
    return Loaded(value=True, subjects=frozenset({_ANY_TENANT}))
