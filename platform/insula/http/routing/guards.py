"""``allow(action)``: the only way to a scope. One dependency checks the token, the tenant, the limit and the role.

No check opens a transaction: the caller comes from caches that LISTEN/NOTIFY keeps current, the limit from leases,
the decision from a table. The order is: authenticate the caller, find the tenant, count the request against the
limit, check that the role has the action.
"""

from abc import ABC, abstractmethod
from enum import StrEnum
from typing import Any, ClassVar, Generic, NamedTuple, TypeGuard, TypeVar

from fastapi import Depends
from fastapi.params import Depends as DependsParam
from starlette.requests import HTTPConnection, Request

from insula.access import Policy
from insula.callers import (
    Admitted,
    Allowance,
    ApiKeys,
    Identity,
    MachineIdentity,
    MemberIdentity,
    Members,
    OAuthClients,
    Staff,
    TenantCaller,
    personal_allowance,
)
from insula.core.errors import (
    AppError,
    BadRequest,
    Forbidden,
    InsufficientScope,
    RateLimited,
    TenantConflict,
    TenantRequired,
    TenantSuspended,
    TooManyConcurrent,
    Unauthenticated,
    Unavailable,
    WrongAudience,
)
from insula.core.ids import TenantId
from insula.db.engine.unit import NoUnit, Unit
from insula.http.app_context import context_of
from insula.http.kernel import kernel_of
from insula.http.request.credentials import check_hints, read_credentials
from insula.http.request.headers import head_of
from insula.http.routing.idempotency import claim_key
from insula.http.routing.permits import EXPENSIVE, hold_permit
from insula.http.state import Admission, Attempt, Subject, state_of
from insula.identity.credentials.api_keys import PresentedKey
from insula.limits import LimitClass
from insula.scope import (
    ApiKeyPrincipal,
    ClientPrincipal,
    PersonalScope,
    Principal,
    Reopen,
    RolePrincipal,
    RoleScope,
    Scope,
    StaffPrincipal,
    StaffScope,
    UserPrincipal,
)

PERSONAL_REQUESTS_PER_MINUTE = 120
STAFF_REQUESTS_PER_MINUTE = 1200
_LACKING = {
    ApiKeyPrincipal.kind: "This API key does not have the action",
    ClientPrincipal.kind: "This OAuth client does not have the action",
}
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
AnyCaller = TypeVar("AnyCaller")
AnyScope = TypeVar("AnyScope")
AnyRolePrincipal = TypeVar("AnyRolePrincipal", bound=RolePrincipal)
AnyRoleScope = TypeVar("AnyRoleScope", bound=RoleScope[Any])


class RequestContext(NamedTuple):
    """The values of a request that its scope gets."""

    unit: Unit
    request_id: str
    address: str
    policy: Policy
    reopen: Reopen
    limited_to: frozenset[str] | None


def address_of(connection: HTTPConnection) -> str:
    """Return the caller's address; behind trusted proxies, the one that they name. Empty if unknown."""
    client: tuple[str, int] | None = connection.scope.get("client")
    return client[0] if client else ""


class Guard(ABC, Generic[AnyCaller, AnyScope]):
    """A dependency that returns the scope of a request, or raises an error that refuses it.

    A subclass declares the kinds of callers that it admits, and decides in three steps. ``narrow`` converts the
    identity for the other two, ``allowance`` and ``authorise``, and refuses identities of other kinds.
    """

    admits: ClassVar[Admitted]
    """The kinds of callers that it admits. An app whose routes use the guard must declare one of them."""

    errors: tuple[type[AppError], ...] = (
        BadRequest,
        Unauthenticated,
        WrongAudience,
        Forbidden,
        InsufficientScope,
        RateLimited,
        TenantConflict,
        Unavailable,
    )

    def __init__(self, action: StrEnum, limit_class: LimitClass | None = None) -> None:
        self.action = action
        self.limit_class = limit_class
        if limit_class is EXPENSIVE:
            self.errors = (*self.errors, TooManyConcurrent)

    @property
    def schemes(self) -> tuple[str, ...]:
        """The security schemes of its callers, for the document."""
        return tuple(dict.fromkeys(kind.scheme for kind in self.admits))

    async def admit(self, connection: HTTPConnection) -> Admission[AnyCaller]:
        """Check that the caller is within the limits and may do the action, without a body or a unit of work.

        A route calls this before it receives the body, so that it never reads the body of a refused request.
        """
        kernel = kernel_of(connection)
        app = context_of(connection)
        callers, role = app.callers, app.role
        credentials = await read_credentials(connection, kernel, app.audience)
        identity = await callers.identify(credentials, self.admits, kernel, role)
        state = state_of(connection.scope)
        if head_of(connection.scope).may_name_tenant:
            await check_hints(connection, kernel, credentials.tenant_id)
        state.subject = Subject(identity.principal.id, credentials.tenant_id)
        if isinstance(credentials, PresentedKey):
            kernel.key_uses.note(credentials.tenant_id, credentials.key_id)
        limit_class = self._limit_class(connection)
        caller = self.narrow(identity)
        allowance = self.allowance(caller, limit_class)
        verdict = await kernel.limits.admit(allowance.policy)
        if not verdict.allowed:
            raise RateLimited(headers=verdict.headers())
        self.authorise(caller, kernel.policy)
        if credentials.scopes is not None and self.action not in credentials.scopes:
            raise InsufficientScope(self.action)
        if limit_class is EXPENSIVE:
            tenant_id = TenantId(allowance.partition)
            verdict = await hold_permit(state, kernel.limits, tenant_id, allowance.at_once, verdict)

        async def reopen() -> Unit:
            again = self.narrow(await callers.identify(credentials, self.admits, kernel, role))
            self.authorise(again, kernel.policy)
            return kernel.database.unit(role, allowance.partition)

        admission = Admission(self, caller, identity.principal.id, credentials, allowance, verdict, reopen)
        state.admission = admission
        return admission

    async def __call__(self, connection: HTTPConnection) -> AnyScope:
        """Return the scope of this request, with the unit of work of this attempt: the same at each call.

        A long-lived connection has no unit of work.
        """
        state = state_of(connection.scope)
        long_lived, admission = state.long_lived or not isinstance(connection, Request), state.admission
        if state.attempt is not None and self._made(admission):
            kept: AnyScope = state.attempt.scope
            return kept
        if state.attempt is not None or (long_lived and admission is not None and not self._made(admission)):
            raise RuntimeError(f"a route must have one guard; this one has another besides that of {self.action}")
        admitted = admission if self._made(admission) else await self.admit(connection)
        kernel, app = kernel_of(connection), context_of(connection)
        unit = NoUnit() if long_lived else kernel.database.unit(app.role, admitted.partition)
        if not long_lived:
            attempt = state.attempt = Attempt(unit)
            if isinstance(connection, Request) and connection.method == "POST":
                attempt.claimed = await claim_key(connection, unit, principal_id=admitted.principal_id, app=app.app)
        request = RequestContext(
            unit, state.request_id, address_of(connection), kernel.policy, admitted.reopen, admitted.limited_to
        )
        scope = self.scope(admitted.caller, request)
        if state.attempt is not None:
            state.attempt.scope = scope
        return scope

    def _made(self, admission: Admission[object] | None) -> TypeGuard[Admission[AnyCaller]]:
        """Return whether this guard made the admission. Another guard's admission is for another action."""
        return admission is not None and admission.guard is self

    def _limit_class(self, connection: HTTPConnection) -> LimitClass:
        if self.limit_class is not None:
            return self.limit_class
        return LimitClass.READ if connection.scope.get("method", "GET") in _SAFE_METHODS else LimitClass.WRITE

    @abstractmethod
    def narrow(self, identity: Identity[Principal]) -> AnyCaller:
        """Return the caller for the other steps. Raises Forbidden if the guard does not admit its kind."""

    @abstractmethod
    def allowance(self, caller: AnyCaller, limit_class: LimitClass) -> Allowance:
        """Return the limits that apply to the request."""

    @abstractmethod
    def authorise(self, caller: AnyCaller, policy: Policy) -> None:
        """Raise Forbidden unless the caller may do the action."""

    @abstractmethod
    def scope(self, caller: AnyCaller, request: RequestContext) -> AnyScope:
        """Return the scope."""


class TenantGuard(Guard[TenantCaller, Scope]):
    """Admits members of the token's tenant whose role has the action, and API keys and OAuth clients that have it."""

    admits: ClassVar[Admitted] = (Members, ApiKeys, OAuthClients)
    errors = (*Guard.errors, TenantRequired, TenantSuspended)

    def narrow(self, identity: Identity[Principal]) -> TenantCaller:
        """Return the caller in the tenant. Raises TenantRequired, Forbidden and TenantSuspended."""
        if isinstance(identity, MemberIdentity | MachineIdentity):
            return identity.in_tenant()
        raise Forbidden

    def allowance(self, caller: TenantCaller, limit_class: LimitClass) -> Allowance:
        """Return the limits of the tenant's plan and of the API key."""
        return caller.allowance(limit_class)

    def authorise(self, caller: TenantCaller, policy: Policy) -> None:
        """Raise Forbidden unless the membership's role, the API key or the OAuth client has the action."""
        if caller.authority.may(self.action, policy):
            return
        raise Forbidden(_LACKING.get(caller.principal.kind))

    def scope(self, caller: TenantCaller, request: RequestContext) -> Scope:
        """Return the scope."""
        return Scope(caller.principal, caller.tenant, caller.authority, *request)


class PersonalGuard(Guard[UserPrincipal, PersonalScope]):
    """Admits every signed-in user, with or without a tenant, to act for themselves.

    The unit's tenant id is the user's id, which no tenant's row has.
    """

    admits: ClassVar[Admitted] = (Members,)

    def narrow(self, identity: Identity[Principal]) -> UserPrincipal:
        """Return the user. Raises Forbidden for a machine."""
        principal = identity.principal
        if isinstance(principal, UserPrincipal | ApiKeyPrincipal | ClientPrincipal):
            principal.person()  # a machine raises
        if isinstance(principal, UserPrincipal):
            return principal
        raise Forbidden

    def allowance(self, caller: UserPrincipal, limit_class: LimitClass) -> Allowance:
        """Return the limits of one user."""
        return personal_allowance(caller.user_id, PERSONAL_REQUESTS_PER_MINUTE, limit_class)

    def authorise(self, caller: UserPrincipal, policy: Policy) -> None:
        """Let every active user pass."""

    def scope(self, caller: UserPrincipal, request: RequestContext) -> PersonalScope:
        """Return the scope."""
        return PersonalScope(caller, request.unit, request.request_id, request.address, request.policy, request.reopen)


class RoleGuard(Guard[AnyRolePrincipal, AnyRoleScope], Generic[AnyRolePrincipal, AnyRoleScope]):
    """Admits users of one kind, without a tenant, whose role has the action. An app subclasses it for its own kind.

    The unit's tenant id is the user's id, which no tenant's row has.
    """

    principal_type: type[AnyRolePrincipal]
    scope_type: type[AnyRoleScope]
    requests_per_minute: ClassVar[int]
    """The limit of one user."""

    def narrow(self, identity: Identity[Principal]) -> AnyRolePrincipal:
        """Return the principal. Raises Forbidden for every other kind of caller."""
        if isinstance(identity.principal, self.principal_type):
            return identity.principal
        raise Forbidden

    def allowance(self, caller: AnyRolePrincipal, limit_class: LimitClass) -> Allowance:
        """Return the limits of one user."""
        return personal_allowance(caller.user_id, self.requests_per_minute, limit_class)

    def authorise(self, caller: AnyRolePrincipal, policy: Policy) -> None:
        """Raise Forbidden unless the principal's role has the action."""
        if not policy.allows(caller.role, self.action):
            raise Forbidden

    def scope(self, caller: AnyRolePrincipal, request: RequestContext) -> AnyRoleScope:
        """Return the scope."""
        return self.scope_type(
            caller,
            request.unit,
            request.request_id,
            request.address,
            request.policy,
            request.reopen,
            request.limited_to,
        )


class StaffGuard(RoleGuard[StaffPrincipal, StaffScope]):
    """Admits the platform's staff whose role has the action."""

    admits: ClassVar[Admitted] = (Staff,)
    principal_type = StaffPrincipal
    scope_type = StaffScope
    requests_per_minute = STAFF_REQUESTS_PER_MINUTE


def allow(action: StrEnum, limit_class: LimitClass | None = None) -> DependsParam:
    """Return the dependency that gives a Scope in the token's tenant to callers that have ``action``.

    They are members, API keys and OAuth clients.

    The method decides whether the request counts as a read or a write, unless ``limit_class`` is given.
    """
    return depends(TenantGuard(action, limit_class))


def allow_personal(action: StrEnum) -> DependsParam:
    """Return the dependency that gives a PersonalScope to every signed-in user."""
    return depends(PersonalGuard(action))


def allow_staff(action: StrEnum) -> DependsParam:
    """Return the dependency that gives a StaffScope to staff whose role has ``action``."""
    return depends(StaffGuard(action))


def depends(guard: Guard[AnyCaller, AnyScope]) -> DependsParam:
    """Return ``guard`` as a dependency. An app's own ``allow_...(action)`` returns it."""
    dependency: DependsParam = Depends(guard)
    return dependency
