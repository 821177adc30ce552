"""Long-lived connections: access is checked again while they are open, and they end when it is lost.

The listener notifies ``OpenConnections`` of changes, as it does the directory. A change of a user, tenant or API key
wakes the connections that depend on it. Each calls its guard again, which answers from the directory's cache. So a
connection ends when a new request would be refused.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Final
from uuid import UUID

from insula.core import clock
from insula.core.errors import AppError, Unauthenticated, Unavailable
from insula.db.engine.failures import translate
from insula.http.errors import ServerStopping, TokenExpired
from insula.http.kinds import LongLived

_RETRY_SECONDS: Final = 1.0
"""The pause between checks while the listener is down, and after a check that failed."""

_MAX_UNCHECKED_SECONDS: Final = 30.0
"""A connection ends after so long without a successful check, which may need the database."""


class OpenConnections:
    """The long-lived connections of this process. The listener notifies it of changes."""

    def __init__(self) -> None:
        self.listener_alive = False
        self.is_stopping = False
        self._by_subject: dict[UUID, set[OpenConnection]] = {}

    def __len__(self) -> int:
        return len(self._all())

    def notify(self, payload: str) -> None:
        """Check access of the connections that a change of "tenant:<id>", "user:<id>" or "key:<id>" may end."""
        try:
            subject = UUID(payload.partition(":")[2])
        except ValueError:
            self.flush()  # the payload does not tell what changed
            return
        for connection in self._by_subject.get(subject, ()):
            connection.wake()

    def flush(self) -> None:
        """Check access of all connections: notifications may have been missed."""
        for connection in self._all():
            connection.wake()

    def stop(self) -> None:
        """End the connections that must not stay open while the process drains."""
        self.is_stopping = True
        self.flush()

    @contextmanager
    def registered(self, connection: "OpenConnection") -> Iterator[None]:
        """Notify the connection of changes inside this context."""
        for subject in connection.subjects:
            self._by_subject.setdefault(subject, set()).add(connection)
        try:
            yield
        finally:
            for subject in connection.subjects:
                others = self._by_subject[subject]
                others.discard(connection)
                if not others:
                    del self._by_subject[subject]

    def _all(self) -> set["OpenConnection"]:
        return set().union(*self._by_subject.values())


@dataclass(eq=False, slots=True)
class OpenConnection:
    """One connection. ``check`` raises the error that a new request of its caller would get."""

    subjects: frozenset[UUID]
    expires_at: float
    check: Callable[[], Awaitable[object]]
    terms: LongLived
    _open: OpenConnections = field(repr=False)
    _woken: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def wake(self) -> None:
        """Make the connection check access at once."""
        self._woken.set()

    async def wait_for_end(self) -> AppError:
        """Wait until the connection must end, and return why."""
        checked_at, pause = monotonic(), self.terms.recheck_seconds
        while True:
            await self._woken_within(pause if self._open.listener_alive else min(pause, _RETRY_SECONDS))
            if self._open.is_stopping and self.terms.ends_at_drain:
                return ServerStopping()
            if self.terms.ends_at_expiry and clock.timestamp() >= self.expires_at:
                return TokenExpired()
            refusal = await self._refusal()
            if refusal is None:
                checked_at, pause = monotonic(), self.terms.recheck_seconds
            elif isinstance(refusal, Unavailable) and monotonic() - checked_at <= _MAX_UNCHECKED_SECONDS:
                pause = _RETRY_SECONDS
            elif isinstance(refusal, Unauthenticated) and self._is_expired:
                return TokenExpired()  # it expired during the check
            else:
                return refusal

    @property
    def _is_expired(self) -> bool:
        return self.terms.ends_at_expiry and clock.timestamp() >= self.expires_at

    async def _refusal(self) -> AppError | None:
        """Return the error that a new request would get now, or None."""
        try:
            await self.check()
        except AppError as error:
            return error
        except Exception as error:
            known = translate(error)
            if known is None:
                raise
            return known
        return None

    async def _woken_within(self, seconds: float) -> None:
        if self.terms.ends_at_expiry:
            seconds = min(seconds, max(0.0, self.expires_at - clock.timestamp()))
        if not (self._open.is_stopping and self.terms.ends_at_drain):
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._woken.wait()
        self._woken.clear()
