"""Scopes: a principal in one request, with what it may do and the request's transaction."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Generic, Self, TypeVar
from uuid import UUID

from insula.access import Policy
from insula.access.entitlements import Amount, Feature
from insula.audit import PLATFORM, Actor
from insula.core.errors import AppError
from insula.core.ids import MemberId
from insula.db.engine.unit import Unit
from insula.scope.principals import ApiKeyPrincipal, RolePrincipal, StaffPrincipal, UserPrincipal
from insula.tenancy import TenantRecord

Reopen = Callable[[], Awaitable[Unit]]
"""Opens another unit for the same principal; raises what the request would raise if it came now."""

AnyRolePrincipal = TypeVar("AnyRolePrincipal", bound=RolePrincipal)


@dataclass(frozen=True, slots=True)
class Member:
    """A user's membership of the tenant, as the directory knows it."""

    id: MemberId
    role: str
    permissions: frozenset[str] | None
    """Those of a custom role; None for a built-in role, whose actions the policy knows."""

    def may(self, action: str, policy: Policy) -> bool:
        """Return whether the membership's role has ``action``."""
        return policy.allows(self.role, action, self.permissions)


class FeatureNotIncluded(AppError):
    """The plan does not include this feature."""

    code, status = "feature_not_included", 403


Authority = Member | ApiKeyPrincipal
"""What decides on the actions of a caller in a tenant: the membership of a user; an API key itself."""


class Transacting:
    """What every scope does that knows how to ask for its access again."""

    __slots__ = ()
    reopen: Reopen

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Self]:
        """Give this scope with a transaction apart from the request's, which is committed at the end.

        For what outlives a request, such as a stream or a socket. Checks the caller's access again.
        """
        async with await self.reopen() as unit:
            try:
                yield replace(self, unit=unit)  # type: ignore[type-var]  # each subclass is a dataclass with a unit
            except AppError as error:
                if error.commits:
                    await unit.commit()
                raise


@dataclass(frozen=True, slots=True)
class Scope(Transacting):
    """A principal acting in one tenant; ``unit.session`` sees that tenant's rows only."""

    principal: UserPrincipal | ApiKeyPrincipal
    tenant: TenantRecord
    authority: Authority
    unit: Unit
    request_id: str
    address: str
    policy: Policy
    reopen: Reopen
    limited_to: frozenset[str] | None
    """The actions that the access token names; None: it names none, and limits nothing."""

    @property
    def actor(self) -> Actor:
        """How the audit log names the principal."""
        return self.principal.actor

    @property
    def chain(self) -> UUID:
        """The chain of the audit log that this scope's acts are recorded in."""
        return self.tenant.id

    @property
    def member_id(self) -> MemberId | None:
        """The id of the caller's membership; None for an API key, which is no member. Costs no query."""
        return self.authority.id if isinstance(self.authority, Member) else None

    def may(self, action: str) -> bool:
        """Return whether the caller may do ``action`` in the tenant, with this token. Costs no query.

        The answer is as old as the directory's cache, less than a second. Before granting access to
        others, ask again behind the lock that such changes share.
        """
        return (self.limited_to is None or action in self.limited_to) and self.authority.may(action, self.policy)

    def granted(self, amount: Amount) -> int:
        """Return how much of an entitlement the tenant has. Costs no query, and is as old as the directory's cache."""
        return amount.of(self.tenant.entitlements)

    def has(self, feature: Feature) -> bool:
        """Return whether the tenant has the feature. Costs no query, and is as old as the directory's cache."""
        return feature.included(self.tenant.entitlements)

    def require(self, feature: Feature) -> None:
        """Raise FeatureNotIncluded unless the tenant has the feature."""
        if not self.has(feature):
            raise FeatureNotIncluded(f"The plan does not include {feature.key}")

    @asynccontextmanager
    async def short_unit(self) -> AsyncIterator[Unit]:
        """Open a transaction apart from the request's, for what outlives it, such as a streamed body.

        Checks the caller's access again: a stream ends within one unit of losing it.
        """
        async with await self.reopen() as unit:
            yield unit


@dataclass(frozen=True, slots=True)
class PersonalScope(Transacting):
    """A user acting for themselves, with no tenant chosen."""

    principal: UserPrincipal
    unit: Unit
    request_id: str
    address: str
    policy: Policy
    reopen: Reopen

    @property
    def actor(self) -> Actor:
        """How the audit log names the user."""
        return self.principal.actor

    @property
    def chain(self) -> UUID:
        """The chain of the audit log that this scope's acts are recorded in."""
        return PLATFORM


@dataclass(frozen=True, slots=True)
class RoleScope(Transacting, Generic[AnyRolePrincipal]):
    """A user acting in a role of their kind, with no tenant chosen. An app's own kind of caller has a subclass.

    ``unit`` has the rights of the app's database role; across tenants, those that are declared for it.
    """

    principal: AnyRolePrincipal
    unit: Unit
    request_id: str
    address: str
    policy: Policy
    reopen: Reopen
    limited_to: frozenset[str] | None
    """The actions that the access token names; None: it names none, and limits nothing."""

    @property
    def actor(self) -> Actor:
        """How the audit log names the principal."""
        return self.principal.actor

    @property
    def chain(self) -> UUID:
        """The chain of the audit log that this scope's acts are recorded in, unless they name a tenant."""
        return PLATFORM

    def may(self, action: str) -> bool:
        """Return whether the principal may do ``action``, with this token. Costs no query."""
        named = self.limited_to is None or action in self.limited_to
        return named and self.policy.allows(self.principal.role, action)


@dataclass(frozen=True, slots=True)
class StaffScope(RoleScope[StaffPrincipal]):
    """A member of the platform's staff; ``unit`` has the admin role's declared cross-tenant rights."""
