"""A connection pool that serves waiters first come, first served, and without a greenlet.

SQLAlchemy's own pool wakes the longest waiter, but a newcomer may take the connection first, and the
woken one goes to the end of the queue: under load some wait many times as long as others. Here a
returned connection goes directly to the next waiter.
"""

import asyncio
from collections import deque
from contextvars import Token
from typing import Literal

from sqlalchemy.exc import MissingGreenlet
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry, Pool, PoolProxiedConnection
from sqlalchemy.util import await_only
from sqlalchemy.util.queue import Empty, Full, QueueCommon

from insula.db.engine.connection import TenantConnection
from insula.db.engine.deadlines import GRACE, checkout_ends, remaining


class _MayConnect(Empty):
    """No connection was returned, but the waiter may make a new one."""


class FairQueue(QueueCommon[ConnectionPoolEntry]):
    """The idle connections, last used first, and the waiters, first come first served."""

    def __init__(self, maxsize: int = 0, use_lifo: bool = False) -> None:  # noqa: FBT001, FBT002 - SQLAlchemy's signature
        self.maxsize = maxsize
        self.use_lifo = use_lifo
        self._ready: list[ConnectionPoolEntry] = []
        self._waiting: deque[asyncio.Future[ConnectionPoolEntry]] = deque()

    def empty(self) -> bool:
        """Whether no connection is idle."""
        return not self._ready

    def full(self) -> bool:
        """Whether there is no room for another idle connection."""
        return 0 < self.maxsize <= len(self._ready)

    def qsize(self) -> int:
        """Return the number of idle connections."""
        return len(self._ready)

    def put_nowait(self, item: ConnectionPoolEntry) -> None:
        """Give the connection to the next waiter, or keep it idle if nobody waits. Raises Full."""
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(item)
                return
        if self.full():
            raise Full
        self._ready.append(item)

    def put(self, item: ConnectionPoolEntry, block: bool = True, timeout: float | None = None) -> None:  # noqa: ARG002, FBT001, FBT002 - likewise
        """Do the same as ``put_nowait``: SQLAlchemy never waits to return a connection."""
        self.put_nowait(item)

    def reserve(self, item: ConnectionPoolEntry) -> None:
        """Keep a connection that the caller takes again before any other task runs."""
        self._ready.append(item)

    def get_nowait(self) -> ConnectionPoolEntry:
        """Take an idle connection. Raises Empty."""
        if not self._ready:
            raise Empty
        return self._ready.pop()

    def get(self, block: bool = True, timeout: float | None = None) -> ConnectionPoolEntry:  # noqa: FBT001, FBT002 - likewise
        """Take an idle connection or, within a greenlet, wait for one. Raises Empty after ``timeout`` seconds."""
        return self.get_nowait() if self._ready or not block else await_only(self.turn(timeout))

    async def turn(self, timeout: float | None) -> ConnectionPoolEntry:  # noqa: ASYNC109 - SQLAlchemy passes it
        """Wait for a connection to be returned.

        Raises Empty after ``timeout`` seconds, or at once if one was lost and the caller may make a new one.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[ConnectionPoolEntry] = loop.create_future()
        self._waiting.append(future)
        expiry = None if timeout is None else loop.call_later(_patience(timeout), _expire, future)
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():  # cancelled just when the connection was handed over
                if future.exception() is None:
                    self.put_nowait(future.result())
                elif isinstance(future.exception(), _MayConnect):
                    self.let_next_connect()
            raise
        finally:
            if expiry is not None:
                expiry.cancel()

    def let_next_connect(self) -> None:
        """Let the next waiter make a connection: the pool has room for one more."""
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_exception(_MayConnect())
                return

    def idle(self) -> tuple[ConnectionPoolEntry, ...]:
        """Return the idle connections."""
        return tuple(self._ready)


class _Bounded:
    """A block in which a checkout ends at this time of the loop. A generator's block would cost a read 3 µs more."""

    __slots__ = ("_ends", "_token")
    _token: Token[float | None]

    def __init__(self, ends: float) -> None:
        self._ends = ends

    def __enter__(self) -> None:
        self._token = checkout_ends.set(self._ends)

    def __exit__(self, *_error: object) -> None:
        checkout_ends.reset(self._token)


class FairPool(AsyncAdaptedQueuePool):
    """A pool with a ``FairQueue``. A checkout, connecting included, ends within the time-out plus ``GRACE``."""

    _queue_class = FairQueue  # type: ignore[mutable-override]  # SQLAlchemy declares it as any queue class

    def close_idle(self) -> None:
        """Close the idle connections: the server stopped responding on another one, so these may be dead too."""
        queue = self._pool
        for entry in queue.idle() if isinstance(queue, FairQueue) else ():
            if isinstance(entry.driver_connection, TenantConnection):
                entry.driver_connection.terminate()

    def checkout(self) -> "_Bounded":
        """Return a block that bounds the time that this task waits for a connection."""
        return _Bounded(asyncio.get_running_loop().time() + self._timeout + GRACE)

    def at_once(self) -> PoolProxiedConnection | None:
        """Return an idle connection, or None if there is none or it had died."""
        if self._pool.empty():
            return None
        try:
            return self.connect()
        except MissingGreenlet:
            return None

    async def take(self) -> PoolProxiedConnection | None:
        """Return a connection, waiting for one if necessary. None means that SQLAlchemy has to make a new one.

        Raises SQLAlchemy's TimeoutError.
        """
        queue = self._pool
        while queue.empty() and isinstance(queue, FairQueue) and self.checkedout() >= self.size():
            try:
                queue.reserve(await queue.turn(self._timeout))
            except Empty:
                if remaining(0.0) <= GRACE:
                    text = f"none of {self.size()} connections became free within {self._timeout} s"
                    raise PoolTimeoutError(text) from None
        return self.at_once()

    def _do_get(self) -> ConnectionPoolEntry:
        if not self._pool.empty():
            return super()._do_get()
        if checkout_ends.get() is not None:
            return self._do_get_in_time()
        with self.checkout():
            return self._do_get_in_time()

    def _do_get_in_time(self) -> ConnectionPoolEntry:
        """Retry until the time-out: a newcomer may have taken the room for which this caller was woken."""
        while True:
            try:
                return super()._do_get()
            except PoolTimeoutError:
                if remaining(0.0) <= GRACE:
                    raise

    def _dec_overflow(self) -> Literal[True]:
        """Let the next waiter use the room of a connection that could not be made: nothing else would wake it."""
        left = super()._dec_overflow()
        if isinstance(self._pool, FairQueue):
            self._pool.let_next_connect()
        return left


def _patience(timeout: float) -> float:
    """Return how long to wait for a returned connection: ``GRACE`` of a checkout is left for making one."""
    return min(timeout, max(0.0, remaining(timeout + GRACE) - GRACE))


def end_silent(driver: TenantConnection, pool: Pool) -> None:
    """Close a connection on which the server did not respond in time, and its pool's idle ones."""
    driver.terminate()
    if isinstance(pool, FairPool):
        pool.close_idle()


def _expire(future: asyncio.Future[ConnectionPoolEntry]) -> None:
    if not future.done():
        future.set_exception(Empty())
