"""Scopes: the principal of one request, with its permissions and the request's transaction."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Generic, Self, TypeVar
from uuid import UUID

from insula.access import Policy
from insula.access.entitlements import Amount, Feature
from insula.audit import PLATFORM, Actor
from insula.core.errors import AppError, Retry
from insula.core.ids import MemberId
from insula.db.engine.unit import Unit
from insula.scope.principals import ApiKeyPrincipal, ClientPrincipal, RolePrincipal, StaffPrincipal, UserPrincipal
from insula.tenancy import TenantRecord

Reopen = Callable[[], Awaitable[Unit]]
"""Opens another unit for the same principal. Raises the error that the request would get if it were sent now."""

AnyRolePrincipal = TypeVar("AnyRolePrincipal", bound=RolePrincipal)


@dataclass(frozen=True, slots=True)
class Member:
    """A user's membership of the tenant, from the directory."""

    id: MemberId
    role: str
    permissions: frozenset[str] | None
    """The actions of a custom role; None for a built-in role, whose actions are in the policy."""

    def may(self, action: str, policy: Policy) -> bool:
        """Return whether the membership's role has ``action``."""
        return policy.allows(self.role, action, self.permissions)


class FeatureNotIncluded(AppError):
    """The plan does not include this feature."""

    code, status = "feature_not_included", 403
    meaning = "The route belongs to a feature that the tenant's plan does not include."
    cure = "Offer a plan that includes the feature."
    retry = Retry.NO


Authority = Member | ApiKeyPrincipal | ClientPrincipal
"""Decides which actions a caller may do in a tenant: a user's membership, an API key, or an OAuth client."""


class BaseScope:
    """The base of scopes: opens transactions apart from the request's, after another check of access."""

    __slots__ = ()
    reopen: Reopen

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Self]:
        """Yield this scope with a transaction apart from the request's, and commit it at the end.

        Streams, sockets and uploads use it, since they have no unit of work. Checks the caller's access again.
        """
        async with await self.reopen() as unit:
            try:
                yield replace(self, unit=unit)  # type: ignore[type-var]  # each subclass is a dataclass with a unit
            except AppError as error:
                if error.commits:
                    await unit.commit()
                raise


@dataclass(frozen=True, slots=True)
class Scope(BaseScope):
    """A principal acting in one tenant; ``unit.session`` sees that tenant's rows only."""

    principal: UserPrincipal | ApiKeyPrincipal | ClientPrincipal
    tenant: TenantRecord
    authority: Authority
    unit: Unit
    request_id: str
    address: str
    policy: Policy
    reopen: Reopen
    limited_to: frozenset[str] | None
    """The actions in the access token's scope; None if the token has no scope, and so no restriction."""

    @property
    def actor(self) -> Actor:
        """How the audit log names the principal."""
        return self.principal.actor

    @property
    def chain(self) -> UUID:
        """The chain of the audit log that records this scope's acts."""
        return self.tenant.id

    @property
    def member_id(self) -> MemberId | None:
        """The id of the caller's membership; None for a machine, which is no member. Costs no query."""
        return self.authority.id if isinstance(self.authority, Member) else None

    def may(self, action: str) -> bool:
        """Return whether the caller may do ``action`` in the tenant, with this token. Costs no query.

        The answer comes from the directory's cache, which follows a change within a second. Code that grants access to
        others must check again while it holds the lock that such changes take.
        """
        return (self.limited_to is None or action in self.limited_to) and self.authority.may(action, self.policy)

    def granted(self, amount: Amount) -> int:
        """Return the amount of an entitlement that the tenant has, from the directory's cache, without a query."""
        return amount.of(self.tenant.entitlements)

    def has(self, feature: Feature) -> bool:
        """Return whether the tenant has the feature, from the directory's cache, without a query."""
        return feature.included(self.tenant.entitlements)

    def require(self, feature: Feature) -> None:
        """Raise FeatureNotIncluded unless the tenant has the feature."""
        if not self.has(feature):
            raise FeatureNotIncluded(f"The plan does not include {feature.key}")

    @asynccontextmanager
    async def short_unit(self) -> AsyncIterator[Unit]:
        """Open a transaction apart from the request's, for one batch of a streamed body.

        Checks the caller's access again, so that a stream ends with the batch in which access is lost.
        """
        async with await self.reopen() as unit:
            yield unit


@dataclass(frozen=True, slots=True)
class PersonalScope(BaseScope):
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
        """The chain of the audit log that records this scope's acts."""
        return PLATFORM


@dataclass(frozen=True, slots=True)
class RoleScope(BaseScope, Generic[AnyRolePrincipal]):
    """A user acting in a role of their kind, with no tenant. An app subclasses it for its own kind of caller.

    ``unit`` has the rights of the app's database role, including its declared cross-tenant rights.
    """

    principal: AnyRolePrincipal
    unit: Unit
    request_id: str
    address: str
    policy: Policy
    reopen: Reopen
    limited_to: frozenset[str] | None
    """The actions in the access token's scope; None if the token has no scope, and so no restriction."""

    @property
    def actor(self) -> Actor:
        """How the audit log names the principal."""
        return self.principal.actor

    @property
    def chain(self) -> UUID:
        """The chain of the audit log that records this scope's acts, except acts in a tenant."""
        return PLATFORM

    def may(self, action: str) -> bool:
        """Return whether the principal may do ``action``, with this token. Costs no query."""
        named = self.limited_to is None or action in self.limited_to
        return named and self.policy.allows(self.principal.role, action)


@dataclass(frozen=True, slots=True)
class StaffScope(RoleScope[StaffPrincipal]):
    """A member of the platform's staff; ``unit`` has the admin role's declared cross-tenant rights."""
