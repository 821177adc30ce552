"""How long the database may be waited for: each wait has an end of ours, since a silent server keeps no time-out."""

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
"""Seconds that our side waits beyond what the server is told: it then speaks first, if it speaks at all."""
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
"""Linux' names of the socket options (tcp(7)), of which elsewhere some are missing; libpq's names; the values."""
LIBPQ_WATCHED: Final[Mapping[str, int]] = MappingProxyType(
    {"keepalives": 1, **{name: value for _, name, value in _WATCH}}
)
LIBPQ_KEEPALIVE: Final[Mapping[str, int]] = MappingProxyType(
    {name: value for name, value in LIBPQ_WATCHED.items() if name != _UNACKNOWLEDGED}
)
"""Without the time in which data must be acknowledged."""

checkout_ends: ContextVar[float | None] = ContextVar("checkout_ends", default=None)
"""When, by the loop's clock, the current task stops waiting for a connection."""


TOOL_STATEMENT_SECONDS: Final = 300
"""How long a statement of an operator's command may take by the server's clock."""


def connecting_seconds(settings: DatabaseSettings) -> float:
    """Return how long a connection may be waited for: a turn at the pool, and its making."""
    return settings.pool_timeout + GRACE


def statement_seconds(settings: DatabaseSettings, role: DatabaseRole) -> float:
    """Return how long one statement of the role may take by the server's clock."""
    return settings.worker_statement_timeout if role in _WORKERS else settings.statement_timeout


def remaining(seconds: float) -> float:
    """Return what is left of the current checkout, or ``seconds`` where none has begun."""
    ends = checkout_ends.get()
    return seconds if ends is None else max(0.0, ends - asyncio.get_running_loop().time())


def keep_alive(raw: "socket.socket | None") -> None:
    """Let the kernel notice a peer that is gone, and data that nobody acknowledges; a Unix socket needs none."""
    if raw is None or raw.family == socket.AF_UNIX:
        return
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, _, value in _WATCH:
        option: int | None = getattr(socket, name, None)
        if option is not None:
            raw.setsockopt(socket.IPPROTO_TCP, option, value)


class Line:
    """Those who wait for a connection to one server: while it is silent, one of them tries at a time.

    Otherwise each of them would try again and again, and a server that comes back would find hundreds of dead
    attempts to look at before it serves.
    """

    def __init__(self) -> None:
        self._silent = False
        self._next_try = 0.0
        self._over = asyncio.Event()

    def may_try(self) -> bool:
        """Tell whether the caller may begin an attempt now; in silence, nobody else then may for a while."""
        now = asyncio.get_running_loop().time()
        if self._silent and now < self._next_try:
            return False
        self._next_try = now + _NEXT_TRY
        return True

    def fell_silent(self) -> None:
        """Note that an attempt has heard nothing for a while."""
        if not self._silent:
            self._silent, self._over = True, asyncio.Event()

    def heard(self) -> None:
        """Note that the server answered, be it with a refusal: all may try."""
        self._silent = False
        self._over.set()

    async def wait(self, trying: "set[asyncio.Future[Made]]", seconds: float) -> "set[asyncio.Future[Made]]":
        """Return the attempts that have ended, or none after ``seconds`` and as soon as the silence is over."""
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
        """Return the seconds until somebody may try again."""
        return max(0.001, self._next_try - asyncio.get_running_loop().time())


async def first_made(
    make: Callable[[float], Awaitable[Made]], discard: Callable[[Made], object], line: Line, seconds: float
) -> Made:
    """Return the first connection that ``make`` gets ready, in at most ``seconds``.

    While one attempt hears nothing, another starts beside it: what the first one sent may be lost for good, although
    the server has come back meanwhile. ``make`` is given the seconds that are left; it is never cancelled, since
    drivers leave half-made connections behind, and what comes too late is discarded. Raises what the last attempt
    raises, or TimeoutError.
    """
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    trying: set[asyncio.Future[Made]] = set()
    try:
        while (left := ends - loop.time()) > 0:
            began = line.may_try()
            if began:
                trying.add(asyncio.ensure_future(make(left)))
            done = await line.wait(trying, min(left, _NEXT_TRY if began else line.until_next()))
            trying -= done
            made = [attempt.result() for attempt in done if attempt.exception() is None]
            for late in made[1:]:
                discard(late)
            if any(not isinstance(attempt.exception(), TimeoutError) for attempt in done):
                line.heard()
            elif began or done:
                line.fell_silent()
            if made:
                return made[0]
            if done and not trying:
                raise done.pop().exception() or TimeoutError
            if done:  # refused beside an attempt that hangs: not again at once
                await asyncio.wait(trying, timeout=_PAUSE, return_when=asyncio.FIRST_COMPLETED)
        raise TimeoutError(f"no connection within {seconds:.1f} s")
    finally:
        for attempt in trying:
            attempt.add_done_callback(lambda ended: _discard(ended, discard))


def _discard(attempt: "asyncio.Future[Made]", discard: Callable[[Made], object]) -> None:
    if not attempt.cancelled() and attempt.exception() is None:
        discard(attempt.result())
