"""The kinds of routes: what holds for every route of a kind, declared in one place.

A route class names its kind as ``kind``, and does what the kind says. docs/guides/sockets-streams-uploads.md is for
those who write routes; ``tests/isolation/test_lasting_routes.py`` attacks every route of a kind with the kind's
``attacks``.
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
"""The largest message of any socket: the server reads no more, whatever the route takes."""


class UnitOfWork(Enum):
    """How the handlers of a kind use the database."""

    NONE = auto()
    """No unit of work is given to them."""

    REQUEST = auto()
    """``scope.unit``: one transaction, committed before the answer starts."""

    EACH_USE = auto()
    """``scope.transaction()``: one for each use, so that no connection is held in between. ``scope.unit`` refuses."""


class Attack(StrEnum):
    """What is done to every route of a kind while it lasts. Requests and handshakes are attacked by the matrix."""

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
class Lasting:
    """How a connection of a kind ends that outlives a normal request.

    Access is checked again at each change that the directory hears of, and each ``recheck_seconds`` besides: some
    kinds of callers announce no changes. A refusal ends the connection, with the error that a new request would get.
    """

    ends_at_expiry: bool
    """Whether it ends when the access token does. Where not, the bounds of its body end it."""

    ends_at_drain: bool
    """Whether it ends at once when the process is told to stop. Where not, it may finish while the process drains."""

    recheck_seconds: float = 10.0
    grace_seconds: float = 5.0
    """For a handler to end by itself after its client has gone; then it is cancelled."""

    attacks: tuple[Attack, ...] = ()

    @property
    def errors(self) -> tuple[type[AppError], ...]:
        """What a request of the kind can be answered besides what its guard says, for the document."""
        expired = (TokenExpired,) if self.ends_at_expiry else ()
        return (TooManyConcurrent, *expired, *((ServerStopping,) if self.ends_at_drain else ()))


_WHILE_ADMITTED: Final = Lasting(
    ends_at_expiry=True,
    ends_at_drain=True,
    attacks=(Attack.EXPIRY, *_ACCESS_LOST, Attack.CLIENT_GONE, Attack.SERVER_STOPS),
)
"""A connection that goes on until something ends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteKind:
    """What holds for the routes of one kind."""

    guarded: bool
    """Whether a guard says who may ask, before the body is read. Where not, the app declares the route public."""

    unit: UnitOfWork
    attempts: int
    """How often a request runs whose transaction lost a race. It never runs again once its body was read in pieces."""

    body_bytes: int | None
    """The largest body, or message of a socket. ``Largest`` on the body's parameter says otherwise for one route.
    None: the setting ``INSULA_HTTP_BODY_LIMIT``, which bounds all bodies but those of uploads."""

    slowest_body: int | None = None
    """The bytes a second that the sender of a body must reach, after a start of ``INSULA_HTTP_BODY_TIMEOUT`` seconds.
    None: the whole body must arrive within those."""

    lasting: Lasting | None = None
    """How it ends. None: with its answer."""


PUBLIC: Final = RouteKind(guarded=False, unit=UnitOfWork.NONE, attempts=1, body_bytes=None)
TENANT: Final = RouteKind(guarded=True, unit=UnitOfWork.REQUEST, attempts=3, body_bytes=BODY_BYTES)
STREAM: Final = RouteKind(
    guarded=True,
    unit=UnitOfWork.EACH_USE,
    attempts=1,
    body_bytes=BODY_BYTES,
    lasting=_WHILE_ADMITTED,
)
SOCKET: Final = RouteKind(
    guarded=True,
    unit=UnitOfWork.EACH_USE,
    attempts=1,
    body_bytes=64 * KIB,
    lasting=_WHILE_ADMITTED,
)
UPLOAD: Final = RouteKind(
    guarded=True,
    unit=UnitOfWork.EACH_USE,
    attempts=1,
    body_bytes=16 * MIB,
    slowest_body=16 * KIB,
    lasting=Lasting(
        ends_at_expiry=False,  # it was let in, and its body is bounded in time
        ends_at_drain=False,
        attacks=(*_ACCESS_LOST, Attack.CLIENT_GONE),
    ),
)
