"""The kinds of routes: the properties that all routes of a kind share, declared in one place.

A route class names its kind as ``kind`` and implements it. docs/guides/sockets-streams-uploads.md explains how to write
such routes; ``tests/isolation/test_long_lived_routes.py`` attacks every route of a kind with the kind's ``attacks``.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Final

from insula.core.errors import AppError, TooManyConcurrent
from insula.http.errors import ServerStopping, TokenExpired

KIB: Final = 1024
MIB: Final = 1024 * KIB
BODY_BYTES: Final = 256 * KIB
"""The largest body of most routes."""

MESSAGE_BYTES: Final = MIB
"""The largest message that the server reads from a socket. A route can only declare a smaller one."""


class UnitOfWork(Enum):
    """How the handlers of a kind use the database."""

    NONE = auto()
    """They have no unit of work."""

    REQUEST = auto()
    """``scope.unit``: one transaction, committed before the answer starts."""

    EACH_USE = auto()
    """``scope.transaction()``: one for each use, so that no connection is held in between. ``scope.unit`` refuses."""


class Attack(StrEnum):
    """An attack by the tests on an open connection. The tests' matrix attacks requests and handshakes."""

    EXPIRY = "the token expires"
    SESSION_ENDS = "the session is revoked"
    MEMBER_LEAVES = "the member is removed"
    ROLE_CHANGES = "the role loses the action"
    TENANT_SUSPENDED = "the tenant is suspended"
    KEY_REVOKED = "the API key is revoked"
    CLIENT_GONE = "the client goes away"
    SERVER_STOPS = "the server stops"


_ACCESS_LOST: Final = (
    Attack.SESSION_ENDS,
    Attack.MEMBER_LEAVES,
    Attack.ROLE_CHANGES,
    Attack.TENANT_SUSPENDED,
    Attack.KEY_REVOKED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LongLived:
    """How a long-lived connection ends.

    Access is checked again at each change that the directory is notified of, and also every ``recheck_seconds``: some
    kinds of callers announce no changes. A refusal ends the connection, with the error that a new request would get.
    """

    ends_at_expiry: bool
    """Whether the connection ends when the access token expires. If not, the limits of its body end it."""

    ends_at_drain: bool
    """Whether it ends at once when the process begins to stop. If not, it may finish while the process drains."""

    recheck_seconds: float = 10.0
    grace_seconds: float = 5.0
    """The handler may run for so long after its client has gone; then it is cancelled."""

    attacks: tuple[Attack, ...] = ()

    @property
    def errors(self) -> tuple[type[AppError], ...]:
        """The errors, besides the guard's, that a route of the kind can answer, for the OpenAPI document."""
        expired = (TokenExpired,) if self.ends_at_expiry else ()
        return (TooManyConcurrent, *expired, *((ServerStopping,) if self.ends_at_drain else ()))


_WHILE_ADMITTED: Final = LongLived(
    ends_at_expiry=True,
    ends_at_drain=True,
    attacks=(Attack.EXPIRY, *_ACCESS_LOST, Attack.CLIENT_GONE, Attack.SERVER_STOPS),
)
"""A connection without an end of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteKind:
    """The properties of the routes of one kind."""

    guarded: bool
    """Whether a guard authorizes the caller before the body is read. If not, the app must declare the route public."""

    unit: UnitOfWork
    attempts: int
    """How often a handler runs at most: more than once after deadlocks or serialization failures of its transaction."""

    body_bytes: int | None
    """The largest body, or message of a socket. ``Largest`` on the body's parameter overrides it for one route.
    None: the setting ``INSULA_HTTP_BODY_LIMIT``, which limits all bodies except those of uploads."""

    slowest_body: int | None = None
    """The bytes a second that the sender of a body must reach, after the first ``INSULA_HTTP_BODY_TIMEOUT`` seconds.
    None: the whole body must arrive within that timeout."""

    long_lived: LongLived | None = None
    """How its connections end. None: a connection of the kind ends with its answer."""


PUBLIC: Final = RouteKind(guarded=False, unit=UnitOfWork.NONE, attempts=1, body_bytes=None)
TENANT: Final = RouteKind(guarded=True, unit=UnitOfWork.REQUEST, attempts=3, body_bytes=BODY_BYTES)
STREAM: Final = RouteKind(
    guarded=True,
    unit=UnitOfWork.EACH_USE,
    attempts=1,
    body_bytes=BODY_BYTES,
    long_lived=_WHILE_ADMITTED,
)
SOCKET: Final = RouteKind(
    guarded=True,
    unit=UnitOfWork.EACH_USE,
    attempts=1,
    body_bytes=64 * KIB,
    long_lived=_WHILE_ADMITTED,
)
UPLOAD: Final = RouteKind(
    guarded=True,
    unit=UnitOfWork.EACH_USE,
    attempts=1,
    body_bytes=16 * MIB,
    slowest_body=16 * KIB,
    long_lived=LongLived(
        ends_at_expiry=False,  # the token was valid at the start, and slowest_body limits the time
        ends_at_drain=False,
        attacks=(*_ACCESS_LOST, Attack.CLIENT_GONE),
    ),
)
