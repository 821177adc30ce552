"""The state of one request: what its middleware, guard, route and handler tell each other.

The outermost middleware makes it and puts it into the ASGI scope, under the one key there that is ours. All others
read and write the typed attributes of ``state_of(scope)``. Middleware that copies the scope shares the state.
``scripts/check_scope.py`` refuses further keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, NamedTuple, TypeVar
from uuid import UUID

from starlette.types import Scope

from insula.callers import Allowance
from insula.core.ids import TenantId
from insula.db.engine.unit import Unit
from insula.http.errors import InvalidForwarding
from insula.identity import Claims
from insula.identity.credentials.api_keys import PresentedKey
from insula.limits import Permit, Verdict
from insula.scope import Reopen

_KEY: Final = "insula"
AnyCaller_co = TypeVar("AnyCaller_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Forwarding:
    """How a request came: directly, or by trusted proxies that said who called and perhaps gave a request id."""

    request_id: str = ""


@dataclass(frozen=True, slots=True)
class UndeclaredForwarding(Forwarding):
    """The peer sent forwarding headers and is no trusted proxy: it may be one that nobody declared."""


@dataclass(frozen=True, slots=True)
class UnreadableForwarding(Forwarding):
    """A trusted proxy's headers do not say who called. The gate raises ``error``."""

    error: InvalidForwarding = field(kw_only=True)


DIRECT: Final = Forwarding()
UNDECLARED: Final = UndeclaredForwarding()


@dataclass(slots=True, eq=False, repr=False)
class RequestHead:
    """The headers that matter here, each sent once, and the host's normal name. See ``headers.head_of``."""

    headers: Mapping[bytes, bytes]
    host: str
    may_name_tenant: bool = True
    """False once the gate knows that neither the host nor ``X-Tenant`` can name a tenant."""


class Subject(NamedTuple):
    """Which principal asks, for which tenant; told in the access log."""

    principal_id: UUID
    tenant_id: TenantId | None


class Admission(NamedTuple, Generic[AnyCaller_co]):
    """A caller that ``guard`` has let in, before the body of the request is read. It outlives a retry."""

    guard: object
    caller: AnyCaller_co
    principal_id: UUID
    credentials: Claims | PresentedKey
    allowance: Allowance
    verdict: Verdict
    """Where the caller's limits stand, for the headers of the answer."""
    reopen: Reopen

    @property
    def partition(self) -> UUID:
        """The tenant, or the person, whose rows the request's unit sees."""
        return self.allowance.partition

    @property
    def limited_to(self) -> frozenset[str] | None:
        """The actions that the access token names; None: it names none, and limits nothing."""
        return self.credentials.scopes


@dataclass(slots=True, eq=False)
class Claim:
    """An idempotency key that is claimed by one attempt, to be stored with its answer."""

    partition: UUID
    principal_id: UUID
    route: str
    key: str
    request_hash: bytes
    kept: bytes | None = None
    """The body to store where it must not be the answer's own."""


@dataclass(slots=True, eq=False)
class Attempt:
    """One attempt at a request, in one transaction. A retry has another."""

    unit: Unit
    claim: Claim | None = None


@dataclass(slots=True, eq=False, repr=False)
class RequestState:
    """See the module. What is None is not known yet, or will never be: a request can be refused at each step."""

    request_id: str
    forwarding: Forwarding = DIRECT
    head: RequestHead | None = None
    template: str | None = None
    """The path of the route below its app's mount, where the table of routes found it."""
    subject: Subject | None = None
    admission: Admission[object] | None = None
    permit: Permit | None = None
    """Held by an expensive request until its answer is sent."""
    attempt: Attempt | None = None
    lasts: bool = False
    """Whether the request has no unit of work, because its kind of route lasts."""
    reported: BaseException | None = None
    """The failure that the log has already."""

    def release_permit(self) -> None:
        """Let the next expensive request in, if this one holds a permit."""
        permit, self.permit = self.permit, None
        if permit is not None:
            permit.release()


def state_of(scope: Scope) -> RequestState:
    """Return the state of this request. Raises KeyError outside of the outermost middleware."""
    state: RequestState = scope[_KEY]
    return state


def give_state(scope: Scope, state: RequestState) -> None:
    """Let everything that gets this scope, or a copy of it, find ``state``."""
    scope[_KEY] = state


def admission_of(scope: Scope) -> Admission[object]:
    """Return the caller that a guard has let in to this connection."""
    admission = state_of(scope).admission
    if admission is None:
        raise LookupError("no guard has let anybody in")
    return admission
