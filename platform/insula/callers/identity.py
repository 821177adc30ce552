"""Identities: a principal with the data that its guard checks, and the limits of its requests."""

from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from insula.core.errors import Forbidden, TenantRequired, TenantSuspended
from insula.core.ids import TenantId
from insula.db.models import ACTIVE
from insula.limits import AT_ONCE, CEILINGS, CONNECTIONS, RATE, KeyRate, LimitClass, RatePolicy, rate_policy
from insula.scope import ApiKeyPrincipal, Authority, ClientPrincipal, Member, Principal, UserPrincipal
from insula.tenancy import TenantRecord

AnyPrincipal_co = TypeVar("AnyPrincipal_co", bound=Principal, covariant=True)


class Allowance(NamedTuple):
    """The limits that apply to one class of a caller's requests.

    ``partition`` is the tenant id of the request's unit of work: the tenant's id, or a user's own id without a tenant.
    ``at_once`` is the number of expensive requests that may run at the same time; ``connections`` is the number of
    streams, sockets and uploads.
    """

    partition: UUID
    policy: RatePolicy
    at_once: int = AT_ONCE.default
    connections: int = CONNECTIONS.default


@dataclass(frozen=True, slots=True)
class Identity(Generic[AnyPrincipal_co]):
    """The principal of a request's credentials. Kinds of callers subclass it to add data."""

    principal: AnyPrincipal_co


@dataclass(frozen=True, slots=True)
class TenantCaller:
    """A user, an API key or an OAuth client that can act in an active tenant."""

    principal: UserPrincipal | ApiKeyPrincipal | ClientPrincipal
    tenant: TenantRecord
    authority: Authority
    _allowances: dict[LimitClass, Allowance] = field(default_factory=dict, compare=False, repr=False)

    def allowance(self, limit_class: LimitClass) -> Allowance:
        """Return the limits of the plan and of the API key, which are computed once for each class of requests."""
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
        """Return the identity. Only a member of an active tenant has a ``caller``."""
        if tenant is None or member is None or tenant.status != ACTIVE:
            return cls(user, tenant, member, None)
        return cls(user, tenant, member, TenantCaller(user, tenant, member))

    def in_tenant(self) -> TenantCaller:
        """Return the user as a caller in the tenant.

        Raises TenantRequired for a token without a tenant, Forbidden for a former member, and TenantSuspended for a
        suspended tenant.
        """
        if self.caller is not None:
            return self.caller
        if self.tenant is None:
            raise TenantRequired
        if self.member is None:
            raise Forbidden("You are not a member of this tenant")
        raise TenantSuspended


@dataclass(frozen=True, slots=True)
class MachineIdentity(Identity[ApiKeyPrincipal | ClientPrincipal]):
    """An API key or an OAuth client, and its tenant."""

    tenant: TenantRecord

    def in_tenant(self) -> TenantCaller:
        """Return the machine as a caller in its tenant. Raises TenantSuspended for a suspended tenant."""
        if self.tenant.status != ACTIVE:
            raise TenantSuspended
        return TenantCaller(self.principal, self.tenant, self.principal)


def _own_rate(principal: UserPrincipal | ApiKeyPrincipal | ClientPrincipal) -> KeyRate | None:
    if isinstance(principal, ApiKeyPrincipal) and principal.requests_per_minute:
        return KeyRate(principal.key_id, principal.requests_per_minute)
    return None


def personal_allowance(person: UUID, per_minute: int, limit_class: LimitClass) -> Allowance:
    """Return the limits of a user without a tenant. The partition is the user's id, which no tenant's row has."""
    return Allowance(person, rate_policy(TenantId(person), per_minute, limit_class))
