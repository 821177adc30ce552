"""Short waits for locks: work that meets a held lock is rolled back and run again later.

A statement that waits for an ACCESS EXCLUSIVE lock makes every later statement on its table wait
behind it. So a migration never waits for long: it gives up the wait, lets the queue drain and tries
again, until the locks are free or its time is over.
"""

import time
from collections.abc import Callable, Iterator
from typing import Final

from asyncpg import exceptions as driver
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from insula.core.settings import Settings

WAIT_SECONDS: Final = 1800.0
Say = Callable[[str], None]

_PAUSES: Final = (0.5, 1.0, 2.0, 4.0, 5.0)  # then the last one again; requests are served between two attempts
_SHARE_OF_POOL_TIMEOUT: Final = 4
_STATEMENT_LENGTH: Final = 100
_HELD: Final = (driver.LockNotAvailableError, driver.DeadlockDetectedError)
_HOLDERS: Final = text("""
SELECT DISTINCT coalesce(usename, 'unknown')::text AS role, pid, virtualtransaction AS transaction
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'relation' AND granted AND pid <> pg_backend_pid()
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
""")


class LocksHeld(TimeoutError):
    """The locks that the work needs were not free in time."""


def lock_timeout(settings: Settings) -> str:
    """Return how long one statement may wait: much less than a request waits for a connection.

    The requests that queue behind the statement hold their connections meanwhile.
    """
    return f"{max(50, round(settings.database.pool_timeout * 1000 / _SHARE_OF_POOL_TIMEOUT))}ms"


def silent(line: str) -> None:
    """Show no progress."""


class LockWaits:
    """The total time that one run may spend on waiting, and where it reports progress."""

    def __init__(self, seconds: float = WAIT_SECONDS, say: Say = silent) -> None:
        self.say: Final = say
        self._seconds = seconds
        self._left = seconds

    def run(self, connection: Connection, work: Callable[[], None]) -> None:
        """Run ``work`` and commit; roll back and run it again while another transaction holds a lock it needs."""
        pauses = self._pauses()
        before: set[tuple[str, int, str]] = set()
        while True:
            try:
                work()
                connection.commit()
            except DBAPIError as error:
                connection.rollback()
                if not _is_held(error):
                    raise
                now = {(row.role, row.pid, row.transaction) for row in connection.execute(_HOLDERS)}
                connection.rollback()
                self._pause(next(pauses), _described(error, before & now), error)
                before = now
            else:
                return

    def take_turn(self, connection: Connection, key: int) -> None:
        """Take the session's advisory lock ``key``, which is released when the connection closes.

        It polls instead of waiting in a statement, whose snapshot would block CREATE INDEX CONCURRENTLY
        in the run that holds the lock.
        """
        pauses = self._pauses()
        while not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}).scalar_one():
            connection.rollback()
            self._pause(next(pauses), "another migration is running")
        connection.commit()

    def _pauses(self) -> Iterator[float]:
        yield from _PAUSES
        while True:
            yield _PAUSES[-1]

    def _pause(self, seconds: float, reason: str, cause: Exception | None = None) -> None:
        if self._left <= 0:
            raise LocksHeld(f"gave up after waiting {self._seconds:g} s: {reason}") from cause
        seconds = min(seconds, self._left)
        self.say(f"{reason}; trying again in {seconds:.1f} s, for {self._left:.0f} s more")
        time.sleep(seconds)
        self._left -= seconds


def _is_held(error: DBAPIError) -> bool:
    return error.orig is not None and isinstance(error.orig.__cause__, _HELD)


def _described(error: DBAPIError, holders: set[tuple[str, int, str]]) -> str:
    """Name the statement that met the lock, and the transactions that also ran at the previous attempt."""
    statement = " ".join((error.statement or "").split())
    if len(statement) > _STATEMENT_LENGTH:
        statement = f"{statement[:_STATEMENT_LENGTH]}…"
    named = ", ".join(f"{role} (process {pid})" for role, pid, _ in sorted(holders))
    return f"a lock is held{f' by {named}' if named else ''}: {statement}"
