"""Identities: a principal with what its guard needs before it asks for an action, and the requests it is allowed."""

from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from insula.core.errors import Forbidden, TenantRequired, TenantSuspended
from insula.core.ids import TenantId
from insula.db.models import ACTIVE
from insula.limits import AT_ONCE, CEILINGS, CONNECTIONS, RATE, KeyRate, LimitClass, RatePolicy, rate_policy
from insula.scope import ApiKeyPrincipal, Authority, Member, Principal, UserPrincipal
from insula.tenancy import TenantRecord

AnyPrincipal_co = TypeVar("AnyPrincipal_co", bound=Principal, covariant=True)


class Allowance(NamedTuple):
    """Whose limits count (and whose partition the unit sees), and what they are for one class of requests.

    ``at_once`` is how many expensive ones may run, and ``connections`` how many streams, sockets and uploads.
    """

    partition: UUID
    policy: RatePolicy
    at_once: int = AT_ONCE.default
    connections: int = CONNECTIONS.default


@dataclass(frozen=True, slots=True)
class Identity(Generic[AnyPrincipal_co]):
    """The principal that credentials stand for. A kind of caller that needs more has a subclass."""

    principal: AnyPrincipal_co


@dataclass(frozen=True, slots=True)
class TenantCaller:
    """A user or an API key that can act in an active tenant."""

    principal: UserPrincipal | ApiKeyPrincipal
    tenant: TenantRecord
    authority: Authority
    _allowances: dict[LimitClass, Allowance] = field(default_factory=dict, compare=False, repr=False)

    def allowance(self, limit_class: LimitClass) -> Allowance:
        """Return what the plan and the API key allow. Worked out once for each class of requests."""
        known = self._allowances.get(limit_class)
        if known is None:
            known = self._allowances[limit_class] = self._allowance(limit_class)
        return known

    def _allowance(self, limit_class: LimitClass) -> Allowance:
        granted, ceiling = self.tenant.entitlements, CEILINGS.get(limit_class)
        policy = rate_policy(
            self.tenant.id,
            RATE.of(granted),
            limit_class,
            granted.get(ceiling.key) if ceiling else None,
            _own_rate(self.principal),
        )
        return Allowance(self.tenant.id, policy, AT_ONCE.of(granted), CONNECTIONS.of(granted))


@dataclass(frozen=True, slots=True)
class MemberIdentity(Identity[UserPrincipal]):
    """A user, the tenant of their token if it has one, and their membership of it if there is one."""

    tenant: TenantRecord | None
    member: Member | None
    caller: TenantCaller | None

    @classmethod
    def of(cls, user: UserPrincipal, tenant: TenantRecord | None, member: Member | None) -> "MemberIdentity":
        """Return the identity; ``caller`` is there for a member of an active tenant."""
        if tenant is None or member is None or tenant.status != ACTIVE:
            return cls(user, tenant, member, None)
        return cls(user, tenant, member, TenantCaller(user, tenant, member))

    def in_tenant(self) -> TenantCaller:
        """Return the user as a caller in the tenant.

        Raises TenantRequired for a token without a tenant, Forbidden for a former member and
        TenantSuspended while the tenant is.
        """
        if self.caller is not None:
            return self.caller
        if self.tenant is None:
            raise TenantRequired
        if self.member is None:
            raise Forbidden("You are not a member of this tenant")
        raise TenantSuspended


@dataclass(frozen=True, slots=True)
class KeyIdentity(Identity[ApiKeyPrincipal]):
    """An API key and its tenant."""

    tenant: TenantRecord

    def in_tenant(self) -> TenantCaller:
        """Return the key as a caller in its tenant. Raises TenantSuspended while the tenant is."""
        if self.tenant.status != ACTIVE:
            raise TenantSuspended
        return TenantCaller(self.principal, self.tenant, self.principal)


def _own_rate(principal: UserPrincipal | ApiKeyPrincipal) -> KeyRate | None:
    if isinstance(principal, ApiKeyPrincipal) and principal.requests_per_minute:
        return KeyRate(principal.key_id, principal.requests_per_minute)
    return None


def of_person(person: UUID, per_minute: int, limit_class: LimitClass) -> Allowance:
    """Return what a user is allowed outside of a tenant. The partition is their own: no tenant's row lies in it."""
    return Allowance(person, rate_policy(TenantId(person), per_minute, limit_class))
