"""A cache of OAuth clients by id, invalidated as the directory's other caches are."""

from uuid import UUID

from sqlalchemy import Row

from insula.db.engine.pools import Database
from insula.db.engine.roles import GATE
from insula.tenancy import queries
from insula.tenancy.cache import Loaded, LookupCache, Subject
from insula.tenancy.records import ClientAccess, tenant_record


class ClientCache(LookupCache[UUID, ClientAccess]):
    """Clients by id: a tenant's, or the platform's own. Anybody can make up an id: see ``LookupCache``."""

    def __init__(self, database: Database, size: int, ttl: float) -> None:
        super().__init__(size, ttl, database.patience)
        self._database = database

    async def client(self, client_id: UUID) -> ClientAccess | None:
        """Return the client, or None for a revoked or unknown one."""
        return await self.find(client_id, {client_id}, lambda: self._read(client_id))

    async def _read(self, client_id: UUID) -> Loaded[ClientAccess] | None:
        async with self._database.unit(GATE) as unit:
            connection = await unit.session.connection()
            for statement in (queries.OAUTH_CLIENT, queries.FIRST_PARTY_CLIENT):
                row = (await connection.execute(statement, {"client_id": client_id})).one_or_none()
                if row is not None:
                    return _loaded(client_id, row)
        return None


def _loaded(client_id: UUID, row: "Row[tuple[object, ...]]") -> Loaded[ClientAccess]:
    tenant = tenant_record(row) if row.tenant_id is not None else None
    access = ClientAccess(
        client_id=client_id,
        name=row.client_name,
        tenant=tenant,
        confidential=row.kind == "confidential",
        redirect_uris=tuple(row.redirect_uris),
        post_logout_redirect_uris=tuple(row.post_logout_redirect_uris),
        grants=frozenset(row.grants),
        scopes=None if row.scopes is None else frozenset(row.scopes),
        digest=row.secret_hash,
        previous_digest=row.previous_hash,
        previous_until=row.previous_until.timestamp() if row.previous_until else 0.0,
    )
    subjects: set[Subject] = {client_id} if tenant is None else {client_id, tenant.id}
    return Loaded(access, frozenset(subjects))
