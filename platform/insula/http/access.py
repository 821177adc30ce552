"""``allow(action)``: the one door to a scope. Token, tenant, limit and role, in one dependency.

Nothing here opens a transaction: who asks comes from caches that LISTEN/NOTIFY keeps true, the
limit from leased tokens, the decision from a table. The order is: who are you, which tenant, is
it within its limit, may your role do this.
"""

from abc import ABC, abstractmethod
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from fastapi import Depends
from fastapi.params import Depends as DependsParam
from starlette.requests import HTTPConnection, Request

from insula.auth.api_keys import PresentedKey
from insula.db.unit import Unit
from insula.errors import (
    AppError,
    BadRequest,
    Forbidden,
    RateLimited,
    TenantConflict,
    TenantRequired,
    TenantSuspended,
    TooManyConcurrent,
    Unauthenticated,
    Unavailable,
)
from insula.http.allowance import Allowance, of_person, of_tenant
from insula.http.app_context import context_of
from insula.http.credentials import check_hints, read_credentials
from insula.http.headers import MAY_NAME_TENANT
from insula.http.idempotency import claim
from insula.http.kernel import Kernel, kernel_of
from insula.http.slots import EXPENSIVE, enter
from insula.ids import TenantId
from insula.limits import LimitClass
from insula.scope import Identity, PersonalScope, Reopen, Scope, StaffScope, identify

PERSONAL_REQUESTS_PER_MINUTE = 120
STAFF_REQUESTS_PER_MINUTE = 1200
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
AnyScope = TypeVar("AnyScope", Scope, PersonalScope, StaffScope)


class Setting(NamedTuple):
    """What a scope knows of its request."""

    unit: Unit
    request_id: str
    address: str
    reopen: Reopen


def address_of(connection: HTTPConnection) -> str:
    """Return the caller's address, as trusted proxies tell it."""
    client: tuple[str, int] | None = connection.scope.get("client")
    return client[0] if client else ""


class Guard(ABC, Generic[AnyScope]):
    """A dependency that lets a request through with a scope, or raises why not."""

    errors: tuple[type[AppError], ...] = (
        BadRequest,
        Unauthenticated,
        Forbidden,
        RateLimited,
        TenantConflict,
        Unavailable,
    )
    schemes: tuple[str, ...] = ("bearer",)

    def __init__(self, action: StrEnum, limit_class: LimitClass | None = None) -> None:
        self.action = action
        self.limit_class = limit_class
        if limit_class is EXPENSIVE:
            self.errors = (*self.errors, TooManyConcurrent)

    async def __call__(self, connection: HTTPConnection) -> AnyScope:
        """Return the scope of this request; its unit is the request's unit of work."""
        kernel = kernel_of(connection)
        context = context_of(connection)
        credentials = await read_credentials(
            connection, kernel, audience=context.audience, takes_keys=context.takes_api_keys
        )
        identity = await identify(credentials, kernel.directory)
        state = connection.scope.setdefault("insula", {})
        if state.get(MAY_NAME_TENANT, True):
            await check_hints(connection, kernel, credentials.tenant_id)
        state["principal_id"] = identity.principal.id
        if isinstance(credentials, PresentedKey):
            kernel.key_uses.note(credentials.tenant_id, credentials.key_id)
        limit_class = self._limit_class(connection)
        partition, door, at_once = self._limit(identity, limit_class)
        state["tenant_id"] = credentials.tenant_id
        verdict = await kernel.limits.pass_through(door)
        state["verdict"] = verdict
        if not verdict.allowed:
            raise RateLimited(headers=verdict.headers())
        self._authorise(identity, kernel)
        if limit_class is EXPENSIVE:
            await enter(state, kernel.limits, TenantId(partition), at_once)
        unit = kernel.database.unit(context.role, partition)
        state["unit"] = unit
        if isinstance(connection, Request) and connection.method == "POST":
            state["claim"] = await claim(connection, unit, principal_id=identity.principal.id, app=context.app)

        async def reopen() -> Unit:
            again = await identify(credentials, kernel.directory)
            self._limit(again, limit_class)
            self._authorise(again, kernel)
            return kernel.database.unit(context.role, partition)

        return self._scope(identity, Setting(unit, state.get("request_id", ""), address_of(connection), reopen))

    def _limit_class(self, connection: HTTPConnection) -> LimitClass:
        if self.limit_class is not None:
            return self.limit_class
        return LimitClass.READ if connection.scope.get("method", "GET") in _SAFE_METHODS else LimitClass.WRITE

    @abstractmethod
    def _limit(self, identity: Identity, limit_class: LimitClass) -> Allowance:
        """Return whose limits count, and what they are."""

    @abstractmethod
    def _authorise(self, identity: Identity, kernel: Kernel) -> None:
        """Raise Forbidden unless the action is allowed."""

    @abstractmethod
    def _scope(self, identity: Identity, setting: Setting) -> AnyScope:
        """Return the scope."""


class TenantGuard(Guard[Scope]):
    """Lets members of the token's tenant through whose role has the action, and API keys that have it."""

    schemes: tuple[str, ...] = ("bearer", "apiKey")

    errors = (*Guard.errors, TenantRequired, TenantSuspended)

    def _limit(self, identity: Identity, limit_class: LimitClass) -> Allowance:
        return of_tenant(identity, limit_class)

    def _authorise(self, identity: Identity, kernel: Kernel) -> None:
        _, role = identity.member_of()
        if identity.key_actions is None and not kernel.policy.allows(role, self.action, identity.permissions):
            raise Forbidden
        if identity.key_actions is not None and self.action not in identity.key_actions:
            raise Forbidden("This API key does not have the action")

    def _scope(self, identity: Identity, setting: Setting) -> Scope:
        tenant, role = identity.member_of()
        return Scope(identity.principal, tenant, role, *setting)


class PersonalGuard(Guard[PersonalScope]):
    """Lets every signed-in user through, with or without a tenant, to act for themselves.

    The unit's tenant is the user's own id: a partition in which no tenant's row lies.
    """

    def _limit(self, identity: Identity, limit_class: LimitClass) -> Allowance:
        return of_person(identity.principal.person(), PERSONAL_REQUESTS_PER_MINUTE, limit_class)

    def _authorise(self, identity: Identity, kernel: Kernel) -> None:
        """Every active user may."""

    def _scope(self, identity: Identity, setting: Setting) -> PersonalScope:
        return PersonalScope(identity.principal, setting.unit, setting.request_id, setting.address)


class StaffGuard(Guard[StaffScope]):
    """Lets staff through whose staff role has the action."""

    def _limit(self, identity: Identity, limit_class: LimitClass) -> Allowance:
        identity.staff()
        return of_person(identity.principal.person(), STAFF_REQUESTS_PER_MINUTE, limit_class)

    def _authorise(self, identity: Identity, kernel: Kernel) -> None:
        if not kernel.policy.allows(identity.staff(), self.action):
            raise Forbidden

    def _scope(self, identity: Identity, setting: Setting) -> StaffScope:
        return StaffScope(identity.principal, identity.staff(), setting.unit, setting.request_id, setting.address)


def allow(action: StrEnum, limit_class: LimitClass | None = None) -> DependsParam:
    """Return the dependency that gives a tenant-bound Scope to those whose role has ``action``.

    The method says whether the request counts as a read or a write, unless ``limit_class`` does.
    """
    return _depends(TenantGuard(action, limit_class))


def allow_personal(action: StrEnum) -> DependsParam:
    """Return the dependency that gives a PersonalScope to every signed-in user."""
    return _depends(PersonalGuard(action))


def allow_staff(action: StrEnum) -> DependsParam:
    """Return the dependency that gives a StaffScope to staff whose role has ``action``."""
    return _depends(StaffGuard(action))


def _depends(guard: object) -> DependsParam:
    depends: DependsParam = Depends(guard)  # type: ignore[arg-type]  # an instance with an async __call__
    return depends
