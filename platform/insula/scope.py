"""Who asks, for which tenant, in which transaction: the first parameter of every service function."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol
from uuid import UUID

from insula import clock
from insula.audit import PLATFORM, Actor
from insula.auth import Claims
from insula.auth.api_keys import PresentedKey
from insula.db.unit import Unit
from insula.errors import Forbidden, TenantConflict, TenantRequired, TenantSuspended, Unauthenticated
from insula.ids import TenantId, UserId
from insula.tenancy import Access, KeyAccess, TenantRecord

ACTIVE = "active"
NO_ROLE = ""
_IDENTITY: Final = "identity"

Reopen = Callable[[], Awaitable[Unit]]
"""Gives another unit, if the principal may still come in; raises as the first time where not."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: a signed-in person, still active, in a session still live; or an API key, which is nobody's."""

    user_id: UserId | None
    session_id: UUID | None
    staff_role: str | None
    key_id: UUID | None = None
    key_name: str | None = None
    email: str | None = None

    @property
    def kind(self) -> Literal["user", "api_key"]:
        """What the principal is."""
        return "user" if self.key_id is None else "api_key"

    @property
    def id(self) -> UUID:
        """The user's id or the key's."""
        return self.key_id or self.user_id or self.person()

    def person(self) -> UserId:
        """Return the user's id, for what only people do. Raises Forbidden for an API key."""
        if self.user_id is None:
            raise Forbidden("This is for people, not for API keys")
        return self.user_id

    @property
    def actor(self) -> Actor:
        """How the audit log names the principal."""
        return Actor(self.kind, self.id, self.key_name or self.email)


@dataclass(frozen=True, slots=True)
class Scope:
    """A principal acting in one tenant; ``unit.session`` sees that tenant's rows only.

    ``role`` is the member's; an API key has none, and what it may do stands in the key.
    """

    principal: Principal
    tenant: TenantRecord
    role: str
    unit: Unit
    request_id: str
    address: str
    reopen: Reopen

    @property
    def actor(self) -> Actor:
        """Who acts, for the audit log."""
        return self.principal.actor

    @property
    def chain(self) -> UUID:
        """Where the audit log records this scope's acts."""
        return self.tenant.id

    @asynccontextmanager
    async def short_unit(self) -> AsyncIterator[Unit]:
        """Open a transaction apart from the request's, for what outlives it, such as a streamed body.

        Asks again whether the principal may: a stream ends within one unit of losing access.
        """
        async with await self.reopen() as unit:
            yield unit


@dataclass(frozen=True, slots=True)
class PersonalScope:
    """A principal acting for themselves, with no tenant chosen."""

    principal: Principal
    unit: Unit
    request_id: str
    address: str

    @property
    def actor(self) -> Actor:
        """Who acts, for the audit log."""
        return self.principal.actor

    @property
    def chain(self) -> UUID:
        """Where the audit log records this scope's acts."""
        return PLATFORM


@dataclass(frozen=True, slots=True)
class StaffScope:
    """A member of the platform's staff; ``unit`` has the admin role's declared cross-tenant rights."""

    principal: Principal
    staff_role: str
    unit: Unit
    request_id: str
    address: str

    @property
    def actor(self) -> Actor:
        """Who acts, for the audit log."""
        return Actor("staff", self.principal.person())

    @property
    def chain(self) -> UUID:
        """Where the audit log records this scope's acts, unless they name a tenant."""
        return PLATFORM


class AccessReader(Protocol):
    """The part of the directory that identification needs."""

    async def access(self, *, session_id: UUID, user_id: UserId, tenant_id: TenantId | None) -> Access:
        """Return what the session's user may reach now."""
        ...

    async def api_key(self, tenant_id: TenantId, key_id: UUID) -> KeyAccess | None:
        """Return what the tenant's key may do now; None for a revoked one, and for one that is nowhere."""
        ...


@dataclass(frozen=True, slots=True)
class Identity:
    """A principal and, where the credentials are bound to a tenant, the principal's place in it."""

    principal: Principal
    tenant: TenantRecord | None
    role: str | None
    key_actions: frozenset[str] | None = None
    """What an API key may do, no more and no less; None for a person, whose role says."""
    key_rate: int | None = None
    """How many requests a minute an API key may make, where it has a limit of its own."""
    permissions: frozenset[str] | None = None
    """What a role of the tenant's own has; None for a built-in one, of which the policy knows."""
    derived: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What follows from this alone, kept here by whoever worked it out."""

    def member_of(self) -> tuple[TenantRecord, str]:
        """Return the tenant and the principal's role in it.

        Raises TenantRequired for a tenantless token, Forbidden for a former member and
        TenantSuspended while the tenant is.
        """
        tenant, role = self.tenant, self.role
        if tenant is None:
            raise TenantRequired
        if role is None:
            raise Forbidden("You are not a member of this tenant")
        if tenant.status != ACTIVE:
            raise TenantSuspended
        return tenant, role

    def staff(self) -> str:
        """Return the staff role. Raises Forbidden for everybody else."""
        if self.principal.staff_role is None:
            raise Forbidden
        return self.principal.staff_role


async def identify(credentials: Claims | PresentedKey, reader: AccessReader) -> Identity:
    """Return who the credentials stand for now: a token's verified claims, or the key that was presented.

    Raises Unauthenticated when they no longer stand for anybody.
    """
    if isinstance(credentials, PresentedKey):
        return await _key(credentials, reader)
    return _person(
        credentials,
        await reader.access(
            session_id=credentials.session_id, user_id=credentials.user_id, tenant_id=credentials.tenant_id
        ),
    )


def _person(claims: Claims, access: Access) -> Identity:
    """Return who the verified ``claims`` stand for now.

    Raises Unauthenticated when the session was revoked or the user suspended since the token was
    issued, and for a token whose tenant is gone.
    """
    if not access.session_live or access.user_status != ACTIVE:
        raise Unauthenticated
    if claims.tenant_id is not None and access.tenant is None:
        raise Unauthenticated
    known: Identity | None = access.derived.get(_IDENTITY)
    if known is None:  # the access is one session's in one tenant, and so is who asks
        principal = Principal(claims.user_id, claims.session_id, access.staff_role, email=access.email)
        known = Identity(principal, access.tenant, access.role, permissions=access.permissions)
        access.derived[_IDENTITY] = known
    return known


async def _key(presented: PresentedKey, reader: AccessReader) -> Identity:
    """Return the key that was presented. Raises Unauthenticated for another secret, or one past its time."""
    known = await reader.api_key(presented.tenant_id, presented.key_id)
    if known is None or not known.opens_to(presented.digest, clock.timestamp()):
        raise Unauthenticated
    principal = Principal(None, None, None, known.key_id, known.name)
    return Identity(principal, known.tenant, NO_ROLE, known.actions, known.requests_per_minute)


def agree(tenant_id: TenantId | None, *hints: TenantId | None) -> None:
    """Refuse a request one of whose tenant hints is not the credentials' tenant.

    A hint that names no tenant at all is passed as None and refused alike, so that the answer
    does not tell whether a tenant exists. Raises TenantConflict.
    """
    if any(hint is None or hint != tenant_id for hint in hints):
        raise TenantConflict
