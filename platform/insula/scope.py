"""Who asks, for which tenant, in which transaction: the first parameter of every service function."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from insula.audit import PLATFORM, Actor
from insula.auth import Claims
from insula.db.unit import Unit
from insula.errors import Forbidden, TenantConflict, TenantRequired, TenantSuspended, Unauthenticated
from insula.ids import TenantId, UserId
from insula.tenancy import Access, TenantRecord

ACTIVE = "active"

Reopen = Callable[[], Awaitable[Unit]]
"""Gives another unit, if the principal may still come in; raises as the first time where not."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A signed-in person: the verified token's subject, still active, in a session still live."""

    user_id: UserId
    session_id: UUID
    staff_role: str | None

    @property
    def actor(self) -> Actor:
        """How the audit log names the principal."""
        return Actor("user", self.user_id)


@dataclass(frozen=True, slots=True)
class Scope:
    """A principal acting in one tenant; ``unit.session`` sees that tenant's rows only."""

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
        return Actor("staff", self.principal.user_id)

    @property
    def chain(self) -> UUID:
        """Where the audit log records this scope's acts, unless they name a tenant."""
        return PLATFORM


class AccessReader(Protocol):
    """The part of the directory that identification needs."""

    async def access(self, *, session_id: UUID, user_id: UserId, tenant_id: TenantId | None) -> Access:
        """Return what the session's user may reach now."""
        ...


@dataclass(frozen=True, slots=True)
class Identity:
    """A principal and, where the token is bound to a tenant, the principal's place in it."""

    principal: Principal
    access: Access

    def member_of(self) -> tuple[TenantRecord, str]:
        """Return the tenant and the principal's role in it.

        Raises TenantRequired for a tenantless token, Forbidden for a former member and
        TenantSuspended while the tenant is.
        """
        tenant, role = self.access.tenant, self.access.role
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


async def identify(claims: Claims, reader: AccessReader) -> Identity:
    """Return who the verified ``claims`` stand for now.

    Raises Unauthenticated when the session was revoked or the user suspended since the token was
    issued, and for a token whose tenant is gone.
    """
    access = await reader.access(session_id=claims.session_id, user_id=claims.user_id, tenant_id=claims.tenant_id)
    if not access.session_live or access.user_status != ACTIVE:
        raise Unauthenticated
    if claims.tenant_id is not None and access.tenant is None:
        raise Unauthenticated
    return Identity(Principal(claims.user_id, claims.session_id, access.staff_role), access)


def agree(claims: Claims, *hints: TenantId | None) -> None:
    """Refuse a request one of whose tenant hints is not the token's tenant.

    A hint that names no tenant at all is passed as None and refused alike, so that the answer
    does not tell whether a tenant exists. Raises TenantConflict.
    """
    if any(hint is None or hint != claims.tenant_id for hint in hints):
        raise TenantConflict
