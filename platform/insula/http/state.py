"""The state of one request, which its middleware, guard, route and handler share.

The outermost middleware creates it and stores it in the ASGI scope, under Insula's only key. All others read and write
the typed attributes of ``state_of(scope)``. Middleware that copies the scope shares the state.
``scripts/check_scope.py`` refuses further keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, NamedTuple, TypeVar
from uuid import UUID

from starlette.types import Scope

from insula.callers import Allowance
from insula.core.ids import TenantId
from insula.db.engine.unit import Unit
from insula.http.errors import InvalidForwarding
from insula.identity import Claims, MachineClaims
from insula.identity.credentials.api_keys import PresentedKey
from insula.limits import Permit, Verdict
from insula.scope import Reopen

_KEY: Final = "insula"
AnyCaller_co = TypeVar("AnyCaller_co", covariant=True)


BEARER: Final = b"bearer "


def is_bearer(authorization: bytes) -> bool:
    """Return whether the value of an Authorization header has the scheme Bearer."""
    return authorization[: len(BEARER)].lower() == BEARER


@dataclass(frozen=True, slots=True)
class Forwarding:
    """How a request came: directly, or through trusted proxies that named the client and perhaps a request id."""

    request_id: str = ""


@dataclass(frozen=True, slots=True)
class UndeclaredForwarding(Forwarding):
    """The peer sent forwarding headers but is no trusted proxy. It may be a proxy that the settings do not declare."""


@dataclass(frozen=True, slots=True)
class UnreadableForwarding(Forwarding):
    """A trusted proxy's headers do not name the client. The middleware ``RequestChecks`` raises ``error``."""

    error: InvalidForwarding = field(kw_only=True)


DIRECT: Final = Forwarding()
UNDECLARED: Final = UndeclaredForwarding()


@dataclass(slots=True, eq=False, repr=False)
class RequestHead:
    """The headers that ``read_headers`` returns, and the normalized host name. See ``headers.head_of``."""

    headers: Mapping[bytes, bytes]
    host: str
    may_name_tenant: bool = True
    """False once ``RequestChecks`` knows that neither the host nor ``X-Tenant`` can name a tenant."""


class Subject(NamedTuple):
    """The principal and the tenant of a request, for the access log."""

    principal_id: UUID
    tenant_id: TenantId | None


class Admission(NamedTuple, Generic[AnyCaller_co]):
    """A caller that ``guard`` has admitted before the body of the request is read. A retry keeps the admission."""

    guard: object
    caller: AnyCaller_co
    principal_id: UUID
    credentials: Claims | MachineClaims | PresentedKey
    allowance: Allowance
    verdict: Verdict
    """The state of the caller's limits, for the headers of the answer."""
    reopen: Reopen

    @property
    def partition(self) -> UUID:
        """The tenant, or the person, whose rows the request's unit sees."""
        return self.allowance.partition

    @property
    def limited_to(self) -> frozenset[str] | None:
        """The actions in the access token's scope; None if the token has no scope, and so no restriction."""
        return self.credentials.scopes


@dataclass(slots=True, eq=False)
class ClaimedKey:
    """An idempotency key that one attempt has locked, and stores with its answer."""

    partition: UUID
    principal_id: UUID
    route: str
    key: str
    request_hash: bytes
    kept: bytes | None = None
    """The body to store in place of the answer's own, which must not be stored."""


@dataclass(slots=True, eq=False)
class Attempt:
    """One attempt at a request, in one transaction. A retry has another."""

    unit: Unit
    claimed: ClaimedKey | None = None
    scope: Any = None
    """The scope that the route's guard returned, of the guard's type."""


@dataclass(slots=True, eq=False, repr=False)
class RequestState:
    """See the module. An attribute is None until its step has run; a refused request never reaches some steps."""

    request_id: str
    forwarding: Forwarding = DIRECT
    head: RequestHead | None = None
    template: str | None = None
    """The path template of the route, without its app's mount, if the table of routes found it."""
    subject: Subject | None = None
    admission: Admission[object] | None = None
    permit: Permit | None = None
    """Held by an expensive request until its answer is sent."""
    attempt: Attempt | None = None
    long_lived: bool = False
    """Whether the request has no unit of work, because its kind of route is long-lived."""
    reported: BaseException | None = None
    """The exception that is already logged."""

    def release_permit(self) -> None:
        """Release the permit, if this request holds one."""
        permit, self.permit = self.permit, None
        if permit is not None:
            permit.release()


def state_of(scope: Scope) -> RequestState:
    """Return the state of this request. Raises KeyError if the outermost middleware has not run."""
    state: RequestState = scope[_KEY]
    return state


def set_state(scope: Scope, state: RequestState) -> None:
    """Store ``state`` in the scope."""
    scope[_KEY] = state


def admission_of(scope: Scope) -> Admission[object]:
    """Return the admission that a guard made for this connection."""
    admission = state_of(scope).admission
    if admission is None:
        raise LookupError("no guard has admitted a caller")
    return admission
