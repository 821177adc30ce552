"""The directory: the tenant and the access of each request's caller, read as the gate role and cached."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from uuid import UUID

from sqlalchemy import Row

from insula.core import clock
from insula.core.ids import MemberId, TenantId, UserId
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.engine.roles import GATE
from insula.tenancy import queries
from insula.tenancy.api_keys import KeyCache
from insula.tenancy.cache import Loaded, SubjectCache
from insula.tenancy.host_names import SLUG, as_uuid, normal_host, slug_of_host
from insula.tenancy.names import NameCache
from insula.tenancy.oauth_clients import ClientCache
from insula.tenancy.records import Access, ClientAccess, KeyAccess, TenantRecord, UserProfile, tenant_record

# Only a fallback for lost notifications: the listener checks its connection twice a second. With a shorter time, an
# occasional caller would be read from the database at almost every call: at 30 s that cost more than all other checks.
_TTL = 300.0
_TTL_UNNOTIFIED = 0.5  # without notifications: how long a change may go unnoticed
_KINDS = frozenset({"tenant", "user", "key", "client"})


_AccessKey = tuple[int, int | None]  # session and tenant as integers: hashing a UUID is slow Python code


@dataclass(frozen=True, slots=True)
class _CachedAccess:
    access: Access
    expires_at: float  # of the session; compared with the clock at each use


class Directory:
    """Answers from its caches. The listener notifies it of changes, and sets ``listener_alive``."""

    def __init__(self, settings: Settings, database: Database, size: int = 20_000) -> None:
        self._database = database
        self._base_domain = settings.base_domain
        self._access: SubjectCache[_AccessKey, _CachedAccess] = SubjectCache(size, _TTL_UNNOTIFIED)
        self._names = NameCache(database, size, _TTL_UNNOTIFIED)
        self._keys = KeyCache(database, size, _TTL_UNNOTIFIED)
        self._clients = ClientCache(database, size, _TTL_UNNOTIFIED)
        # Many callers have equal sets of permissions: sharing one object lets the policy find it by identity.
        self._shared_set = lru_cache(size)(_itself)
        self._listener_alive = False

    @property
    def listener_alive(self) -> bool:
        """Whether changes are notified; otherwise entries are valid only briefly."""
        return self._listener_alive

    @listener_alive.setter
    def listener_alive(self, alive: bool) -> None:
        self._listener_alive = alive
        self._access.ttl = _TTL if alive else _TTL_UNNOTIFIED
        self._names.set_ttl(self._access.ttl)
        self._keys.set_ttl(self._access.ttl)
        self._clients.set_ttl(self._access.ttl)

    def notify(self, payload: str) -> None:
        """Drop the entries that a change invalidates; ``payload`` is a kind and an id, such as "tenant:<id>"."""
        kind, _, name = payload.partition(":")
        if kind not in _KINDS:
            return
        try:
            subject = UUID(name)
        except ValueError:
            self.flush()  # a change of this kind without a readable id
            return
        self._access.drop(subject)
        self._keys.drop(subject)
        self._clients.drop(subject)
        if kind == "tenant":
            self._names.tenant_changed(subject)

    def flush(self) -> None:
        """Drop everything."""
        self._access.flush()
        self._names.flush()
        self._keys.flush()
        self._clients.flush()

    async def close(self) -> None:
        """End the reads that are still running."""
        await self._access.close()
        await self._names.close()
        await self._keys.close()
        await self._clients.close()

    async def access(self, *, session_id: UUID, user_id: UserId, tenant_id: TenantId | None) -> Access:
        """Return the current access of the session's user; another user's session is not live."""
        key = (session_id.int, tenant_id.int if tenant_id else None)
        known = self._access.get(key)
        if known is None or known.access.user_id != user_id:
            watched = {user_id, tenant_id} if tenant_id else {user_id}
            known = await self._access.load(key, watched, lambda: self._read_access(session_id, user_id, tenant_id))
        return _as_of_now(known)

    async def api_key(self, tenant_id: TenantId, key_id: UUID) -> KeyAccess | None:
        """Return the access of the tenant's key, or None for a revoked or unknown key."""
        return await self._keys.key(tenant_id, key_id)

    async def oauth_client(self, client_id: UUID) -> ClientAccess | None:
        """Return the client of the authorization server, or None for a revoked or unknown one."""
        return await self._clients.client(client_id)

    async def tenant_for_host(self, host: str) -> TenantId | None:
        """Return the tenant of the host ``{slug}.{base domain}``, or of a verified custom domain."""
        name = normal_host(host)
        if name is None:
            return None
        slug = slug_of_host(name, self._base_domain)
        return (await self._names.tenant(slug or f"//{name}")).tenant_id

    async def successor_of_host(self, host: str) -> str | None:
        """Return the slug that replaced the one in ``{slug}.{base domain}``, or None if that one is current."""
        name = normal_host(host)
        slug = slug_of_host(name, self._base_domain) if name else None
        if slug is None or as_uuid(slug) is not None:
            return None
        found = await self._names.tenant(slug)
        return None if found.slug == slug else found.slug

    async def tenant_for_name(self, name: str) -> TenantId | None:
        """Return the tenant with this id or slug, or with this slug until recently."""
        name = name.strip()
        if not name.isascii():  # a Kelvin sign is a k in lower case
            return None
        name = name.lower()
        return (await self._names.tenant(name)).tenant_id if SLUG.fullmatch(name) else None

    async def memberships(self, user_id: UserId) -> list[tuple[TenantRecord, str]]:
        """Return the user's tenants and the role in each; not cached."""
        async with self._database.unit(GATE) as unit:
            connection = await unit.session.connection()
            rows = (await connection.execute(queries.MEMBERSHIPS, {"user_id": user_id})).all()
        return [(tenant_record(row), row.role) for row in rows]

    async def tenant_name(self, tenant_id: TenantId) -> str | None:
        """Return the name of a tenant; not cached."""
        async with self._database.unit(GATE) as unit:
            connection = await unit.session.connection()
            name: str | None = (await connection.execute(queries.TENANT_NAME, {"id": tenant_id})).scalar_one_or_none()
        return name

    async def profile(self, user_id: UserId) -> UserProfile:
        """Return the profile of an existing user; not cached."""
        async with self._database.unit(GATE) as unit:
            connection = await unit.session.connection()
            row = (await connection.execute(queries.PROFILE, {"user_id": user_id})).one()
        return UserProfile(UserId(row.id), row.email, row.name, row.verified, row.version)

    async def staff_role(self, user_id: UserId) -> str | None:
        """Return the user's staff role; not cached."""
        async with self._database.unit(GATE) as unit:
            connection = await unit.session.connection()
            role: str | None = (await connection.execute(queries.STAFF_ROLE, {"user_id": user_id})).scalar_one_or_none()
        return role

    async def _read_access(
        self, session_id: UUID, user_id: UserId, tenant_id: TenantId | None
    ) -> Loaded[_CachedAccess]:
        values = {"session_id": session_id, "user_id": user_id, "tenant_id": tenant_id}
        async with self._database.unit(GATE) as unit:
            connection = await unit.session.connection()
            row = (await connection.execute(queries.ACCESS, values)).one_or_none()
        subjects = frozenset({user_id, tenant_id} if tenant_id else {user_id})
        return Loaded(_known(user_id, row, self._shared_set), subjects)


def _as_of_now(known: _CachedAccess) -> Access:
    if known.access.session_live and clock.timestamp() >= known.expires_at:
        return replace(known.access, session_live=False)
    return known.access


def _known(
    user_id: UserId, row: "Row[tuple[object, ...]] | None", shared_set: Callable[[frozenset[str]], frozenset[str]]
) -> _CachedAccess:
    if row is None:
        nobody = Access(
            user_id, session_live=False, user_status="", staff_role=None, tenant=None, membership_id=None, role=None
        )
        return _CachedAccess(nobody, 0.0)
    access = Access(
        user_id=user_id,
        session_live=row.expires_at is not None and row.revoked_at is None,
        user_status=row.user_status,
        staff_role=row.staff_role,
        tenant=tenant_record(row) if row.tenant_id else None,
        membership_id=MemberId(row.membership_id) if row.membership_id else None,
        role=row.role,
        email=row.email,
        permissions=None if row.permissions is None else shared_set(frozenset(row.permissions)),
    )
    return _CachedAccess(access, row.expires_at.timestamp() if row.expires_at else 0.0)


def _itself(permissions: frozenset[str]) -> frozenset[str]:
    return permissions
