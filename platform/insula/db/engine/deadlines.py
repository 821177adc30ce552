"""Time limits for waiting on the database, enforced on our side: a silent server cannot enforce its own."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, Final, TypeVar

from insula.core.settings import DatabaseSettings
from insula.db.engine.roles import BACKUP, WORKER, DatabaseRole

Made = TypeVar("Made")

GRACE: Final = 1.0
"""Seconds by which our limit exceeds the server's, so that a working server reports the time-out first."""
_NEXT_TRY: Final = 0.8
_PAUSE: Final = 0.1
_WORKERS: Final = (WORKER, BACKUP)
_UNACKNOWLEDGED: Final = "tcp_user_timeout"
_WATCH: Final = (
    ("TCP_KEEPIDLE", "keepalives_idle", 10),
    ("TCP_KEEPINTVL", "keepalives_interval", 3),
    ("TCP_KEEPCNT", "keepalives_count", 3),
    ("TCP_USER_TIMEOUT", _UNACKNOWLEDGED, 10_000),
)
"""Socket options by their Linux names (tcp(7)), some of which other systems lack; libpq's names; the values."""
LIBPQ_WATCHED: Final[Mapping[str, int]] = MappingProxyType(
    {"keepalives": 1, **{name: value for _, name, value in _WATCH}}
)
LIBPQ_KEEPALIVE: Final[Mapping[str, int]] = MappingProxyType(
    {name: value for name, value in LIBPQ_WATCHED.items() if name != _UNACKNOWLEDGED}
)
"""Only keepalive, without the time limit for unacknowledged data."""

checkout_ends: ContextVar[float | None] = ContextVar("checkout_ends", default=None)
"""When the current task stops waiting for a connection, by the event loop's clock."""


TOOL_STATEMENT_SECONDS: Final = 300
"""The server's time limit for a statement of an operator's command."""


def connecting_seconds(settings: DatabaseSettings) -> float:
    """Return how long to wait for a connection: for the pool, and for connecting."""
    return settings.pool_timeout + GRACE


def statement_seconds(settings: DatabaseSettings, role: DatabaseRole) -> float:
    """Return the server's time limit for one statement of the role."""
    return settings.worker_statement_timeout if role in _WORKERS else settings.statement_timeout


def remaining(seconds: float) -> float:
    """Return the seconds that are left for the current checkout, or ``seconds`` if there is none."""
    ends = checkout_ends.get()
    return seconds if ends is None else max(0.0, ends - asyncio.get_running_loop().time())


def keep_alive(raw: "socket.socket | None") -> None:
    """Let the operating system detect a lost peer and unacknowledged data. A Unix socket does not need it."""
    if raw is None or raw.family == socket.AF_UNIX:
        return
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, _, value in _WATCH:
        option: int | None = getattr(socket, name, None)
        if option is not None:
            raw.setsockopt(socket.IPPROTO_TCP, option, value)


class ConnectThrottle:
    """Limits connection attempts to one server: while it does not respond, only one caller tries at a time.

    Otherwise every caller would retry, and a server that recovers would first have to work through hundreds of
    abandoned attempts.
    """

    def __init__(self) -> None:
        self._silent = False
        self._next_try = 0.0
        self._over = asyncio.Event()

    def may_try(self) -> bool:
        """Return whether the caller may try now. While the server does not respond, this blocks others for a while."""
        now = asyncio.get_running_loop().time()
        if self._silent and now < self._next_try:
            return False
        self._next_try = now + _NEXT_TRY
        return True

    def fell_silent(self) -> None:
        """Record that an attempt got no response for a while."""
        if not self._silent:
            self._silent, self._over = True, asyncio.Event()

    def heard(self) -> None:
        """Record that the server responded, even by refusing: everyone may try."""
        self._silent = False
        self._over.set()

    async def wait(self, trying: "set[asyncio.Future[Made]]", seconds: float) -> "set[asyncio.Future[Made]]":
        """Return the attempts that have ended. Returns none after ``seconds``, or once the server responds again."""
        waited: set[asyncio.Future[Any]] = set(trying)
        over = asyncio.ensure_future(self._over.wait())
        if self._silent:
            waited.add(over)
        try:
            done, _ = await asyncio.wait(waited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            over.cancel()
        return trying & done

    def until_next(self) -> float:
        """Return the seconds until the next attempt is allowed."""
        return max(0.001, self._next_try - asyncio.get_running_loop().time())


async def first_made(
    make: Callable[[float], Awaitable[Made]],
    discard: Callable[[Made], object],
    throttle: ConnectThrottle,
    seconds: float,
) -> Made:
    """Return the first connection that ``make`` makes, within ``seconds``.

    While one attempt gets no response, another starts beside it: the first one's packets may be lost although the
    server has recovered. ``make`` receives the remaining seconds. It is never cancelled, because drivers leave
    half-open connections behind; a connection that comes too late is discarded. Raises the last attempt's error, or
    TimeoutError.
    """
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    trying: set[asyncio.Future[Made]] = set()
    try:
        while (left := ends - loop.time()) > 0:
            began = throttle.may_try()
            if began:
                trying.add(asyncio.ensure_future(make(left)))
            done = await throttle.wait(trying, min(left, _NEXT_TRY if began else throttle.until_next()))
            trying -= done
            made = [attempt.result() for attempt in done if attempt.exception() is None]
            for late in made[1:]:
                discard(late)
            if any(not isinstance(attempt.exception(), TimeoutError) for attempt in done):
                throttle.heard()
            elif began or done:
                throttle.fell_silent()
            if made:
                return made[0]
            if done and not trying:
                raise done.pop().exception() or TimeoutError
            if done:  # refused while another attempt hangs: pause before the next one
                await asyncio.wait(trying, timeout=_PAUSE, return_when=asyncio.FIRST_COMPLETED)
        raise TimeoutError(f"no connection within {seconds:.1f} s")
    finally:
        for attempt in trying:
            attempt.add_done_callback(lambda ended: _discard(ended, discard))


def _discard(attempt: "asyncio.Future[Made]", discard: Callable[[Made], object]) -> None:
    if not attempt.cancelled() and attempt.exception() is None:
        discard(attempt.result())
