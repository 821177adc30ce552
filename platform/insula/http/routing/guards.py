"""``allow(action)``: the one door to a scope. Token, tenant, limit and role, in one dependency.

Nothing here opens a transaction: who asks comes from caches that LISTEN/NOTIFY keeps true, the
limit from leased tokens, the decision from a table. The order is: who are you, which tenant, is
it within its limit, may your role do this.
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
    KeyIdentity,
    MemberIdentity,
    Members,
    Staff,
    TenantCaller,
    of_person,
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
)
from insula.core.ids import TenantId
from insula.db.engine.unit import NoUnit, Unit
from insula.http.app_context import context_of
from insula.http.kernel import kernel_of
from insula.http.request.credentials import check_hints, read_credentials
from insula.http.request.headers import head_of
from insula.http.routing.idempotency import claim
from insula.http.routing.permits import EXPENSIVE, enter
from insula.http.state import Admission, Attempt, Subject, state_of
from insula.identity.credentials.api_keys import PresentedKey
from insula.limits import LimitClass
from insula.scope import (
    ApiKeyPrincipal,
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
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
AnyCaller = TypeVar("AnyCaller")
AnyScope = TypeVar("AnyScope")
AnyRolePrincipal = TypeVar("AnyRolePrincipal", bound=RolePrincipal)
AnyRoleScope = TypeVar("AnyRoleScope", bound=RoleScope[Any])


class RequestContext(NamedTuple):
    """What a scope knows of its request."""

    unit: Unit
    request_id: str
    address: str
    policy: Policy
    reopen: Reopen
    limited_to: frozenset[str] | None


def address_of(connection: HTTPConnection) -> str:
    """Return the caller's address, as trusted proxies tell it."""
    client: tuple[str, int] | None = connection.scope.get("client")
    return client[0] if client else ""


class Guard(ABC, Generic[AnyCaller, AnyScope]):
    """A dependency that lets a request through with a scope, or raises why not.

    A subclass says for which kinds of callers it is, and decides in three steps: ``narrow`` makes of an
    identity what the other two take, and refuses identities that are for other guards.
    """

    admits: ClassVar[Admitted]
    """The kinds of callers that it is for. An app whose routes use it must declare one of them."""

    errors: tuple[type[AppError], ...] = (
        BadRequest,
        Unauthenticated,
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
        """Return the caller, who is within the limits and may do the action. Read no body, and open no unit.

        A route calls this before it receives a body, so that one whose sender may not send it is never read.
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
            raise InsufficientScope.lacking(self.action)
        if limit_class is EXPENSIVE:
            tenant_id = TenantId(allowance.partition)
            verdict = await enter(state, kernel.limits, tenant_id, allowance.at_once, verdict)

        async def reopen() -> Unit:
            again = self.narrow(await callers.identify(credentials, self.admits, kernel, role))
            self.authorise(again, kernel.policy)
            return kernel.database.unit(role, allowance.partition)

        admission = Admission(self, caller, identity.principal.id, credentials, allowance, verdict, reopen)
        state.admission = admission
        return admission

    async def __call__(self, connection: HTTPConnection) -> AnyScope:
        """Return the scope of this request; its unit is the request's unit of work, and new at each attempt.

        A connection that lasts has no unit of work.
        """
        state = state_of(connection.scope)
        lasts, admission = state.lasts or not isinstance(connection, Request), state.admission
        if state.attempt is not None or (lasts and admission is not None and not self._gave(admission)):
            raise RuntimeError(f"a route has one guard: there is another besides that of {self.action}")
        admitted = admission if self._gave(admission) else await self.admit(connection)
        kernel, app = kernel_of(connection), context_of(connection)
        unit = NoUnit() if lasts else kernel.database.unit(app.role, admitted.partition)
        if not lasts:
            attempt = state.attempt = Attempt(unit)
            if isinstance(connection, Request) and connection.method == "POST":
                attempt.claim = await claim(connection, unit, principal_id=admitted.principal_id, app=app.app)
        request = RequestContext(
            unit, state.request_id, address_of(connection), kernel.policy, admitted.reopen, admitted.limited_to
        )
        return self.scope(admitted.caller, request)

    def _gave(self, admission: Admission[object] | None) -> TypeGuard[Admission[AnyCaller]]:
        """Tell whether this guard let the caller in. One that another guard let in, for its action, is not let in."""
        return admission is not None and admission.guard is self

    def _limit_class(self, connection: HTTPConnection) -> LimitClass:
        if self.limit_class is not None:
            return self.limit_class
        return LimitClass.READ if connection.scope.get("method", "GET") in _SAFE_METHODS else LimitClass.WRITE

    @abstractmethod
    def narrow(self, identity: Identity[Principal]) -> AnyCaller:
        """Return what the other steps take. Raises Forbidden for an identity that the guard is not for."""

    @abstractmethod
    def allowance(self, caller: AnyCaller, limit_class: LimitClass) -> Allowance:
        """Return whose limits count, and what they are."""

    @abstractmethod
    def authorise(self, caller: AnyCaller, policy: Policy) -> None:
        """Raise Forbidden unless the caller may do the action."""

    @abstractmethod
    def scope(self, caller: AnyCaller, request: RequestContext) -> AnyScope:
        """Return the scope."""


class TenantGuard(Guard[TenantCaller, Scope]):
    """For members of the token's tenant whose role has the action, and API keys that were given it."""

    admits: ClassVar[Admitted] = (Members, ApiKeys)
    errors = (*Guard.errors, TenantRequired, TenantSuspended)

    def narrow(self, identity: Identity[Principal]) -> TenantCaller:
        """Return the caller in the tenant. Raises TenantRequired, Forbidden and TenantSuspended."""
        if isinstance(identity, MemberIdentity | KeyIdentity):
            return identity.in_tenant()
        raise Forbidden

    def allowance(self, caller: TenantCaller, limit_class: LimitClass) -> Allowance:
        """Return what the tenant's plan and the API key say."""
        return caller.allowance(limit_class)

    def authorise(self, caller: TenantCaller, policy: Policy) -> None:
        """Raise Forbidden unless the membership's role, or the API key, has the action."""
        if caller.authority.may(self.action, policy):
            return
        raise Forbidden(
            "This API key does not have the action" if isinstance(caller.principal, ApiKeyPrincipal) else None
        )

    def scope(self, caller: TenantCaller, request: RequestContext) -> Scope:
        """Return the scope."""
        return Scope(caller.principal, caller.tenant, caller.authority, *request)


class PersonalGuard(Guard[UserPrincipal, PersonalScope]):
    """For every signed-in user, with or without a tenant, to act for themselves.

    The unit's tenant is the user's own id: a partition in which no tenant's row lies.
    """

    admits: ClassVar[Admitted] = (Members,)

    def narrow(self, identity: Identity[Principal]) -> UserPrincipal:
        """Return the user. Raises Forbidden for an API key."""
        principal = identity.principal
        if isinstance(principal, UserPrincipal | ApiKeyPrincipal):
            principal.person()  # an API key raises
        if isinstance(principal, UserPrincipal):
            return principal
        raise Forbidden

    def allowance(self, caller: UserPrincipal, limit_class: LimitClass) -> Allowance:
        """Return what one user is allowed."""
        return of_person(caller.user_id, PERSONAL_REQUESTS_PER_MINUTE, limit_class)

    def authorise(self, caller: UserPrincipal, policy: Policy) -> None:
        """Let every active user pass."""

    def scope(self, caller: UserPrincipal, request: RequestContext) -> PersonalScope:
        """Return the scope."""
        return PersonalScope(caller, request.unit, request.request_id, request.address, request.policy, request.reopen)


class RoleGuard(Guard[AnyRolePrincipal, AnyRoleScope], Generic[AnyRolePrincipal, AnyRoleScope]):
    """For users of one kind, outside of any tenant, whose role has the action. An app's own kind has a subclass.

    The unit's tenant is the user's own id: a partition in which no tenant's row lies.
    """

    principal_type: type[AnyRolePrincipal]
    scope_type: type[AnyRoleScope]
    requests_per_minute: ClassVar[int]
    """What one user is allowed."""

    def narrow(self, identity: Identity[Principal]) -> AnyRolePrincipal:
        """Return the principal. Raises Forbidden for every other kind of caller."""
        if isinstance(identity.principal, self.principal_type):
            return identity.principal
        raise Forbidden

    def allowance(self, caller: AnyRolePrincipal, limit_class: LimitClass) -> Allowance:
        """Return what one user is allowed."""
        return of_person(caller.user_id, self.requests_per_minute, limit_class)

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
    """For the platform's staff whose role has the action."""

    admits: ClassVar[Admitted] = (Staff,)
    principal_type = StaffPrincipal
    scope_type = StaffScope
    requests_per_minute = STAFF_REQUESTS_PER_MINUTE


def allow(action: StrEnum, limit_class: LimitClass | None = None) -> DependsParam:
    """Return the dependency that gives a tenant-bound Scope to those whose role has ``action``.

    The method says whether the request counts as a read or a write, unless ``limit_class`` does.
    """
    return depends(TenantGuard(action, limit_class))


def allow_personal(action: StrEnum) -> DependsParam:
    """Return the dependency that gives a PersonalScope to every signed-in user."""
    return depends(PersonalGuard(action))


def allow_staff(action: StrEnum) -> DependsParam:
    """Return the dependency that gives a StaffScope to staff whose role has ``action``."""
    return depends(StaffGuard(action))


def depends(guard: Guard[AnyCaller, AnyScope]) -> DependsParam:
    """Return ``guard`` as a dependency: what an app's own ``allow_...(action)`` returns."""
    dependency: DependsParam = Depends(guard)
    return dependency
