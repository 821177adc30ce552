"""A connection pool that serves in order of asking, and that can be waited at without a greenlet.

SQLAlchemy's own wakes the one who waits longest, but whoever comes by meanwhile may take the
connection first, and the one woken goes to the end of the line: under load some wait many times
as long as others. Here a connection that comes back is handed to who is next.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from sqlalchemy.exc import MissingGreenlet
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry, Pool, PoolProxiedConnection
from sqlalchemy.util import await_only
from sqlalchemy.util.queue import Empty, Full, QueueCommon

from insula.db.engine.connection import TenantConnection
from insula.db.engine.deadlines import GRACE, checkout_ends, remaining


class _Room(Empty):
    """Nothing came, but a connection may be made."""


class Turns(QueueCommon[ConnectionPoolEntry]):
    """The connections that lie ready, used last first, and those who wait for one, first come first served."""

    def __init__(self, maxsize: int = 0, use_lifo: bool = False) -> None:  # noqa: FBT001, FBT002 - SQLAlchemy's signature
        self.maxsize = maxsize
        self.use_lifo = use_lifo
        self._ready: list[ConnectionPoolEntry] = []
        self._waiting: deque[asyncio.Future[ConnectionPoolEntry]] = deque()

    def empty(self) -> bool:
        """Whether nothing lies ready."""
        return not self._ready

    def full(self) -> bool:
        """Whether no more can lie here."""
        return 0 < self.maxsize <= len(self._ready)

    def qsize(self) -> int:
        """Return how many lie ready."""
        return len(self._ready)

    def put_nowait(self, item: ConnectionPoolEntry) -> None:
        """Hand over to who is next; else lay it down. Raises Full."""
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(item)
                return
        if self.full():
            raise Full
        self._ready.append(item)

    def put(self, item: ConnectionPoolEntry, block: bool = True, timeout: float | None = None) -> None:  # noqa: ARG002, FBT001, FBT002 - likewise
        """Do as ``put_nowait``: SQLAlchemy never waits to give a connection back."""
        self.put_nowait(item)

    def reserve(self, item: ConnectionPoolEntry) -> None:
        """Lay down what the caller takes up again before anybody else runs."""
        self._ready.append(item)

    def get_nowait(self) -> ConnectionPoolEntry:
        """Take what lies ready. Raises Empty."""
        if not self._ready:
            raise Empty
        return self._ready.pop()

    def get(self, block: bool = True, timeout: float | None = None) -> ConnectionPoolEntry:  # noqa: FBT001, FBT002 - likewise
        """Take what lies ready or, within a greenlet, wait for a turn. Raises Empty after ``timeout`` seconds."""
        return self.get_nowait() if self._ready or not block else await_only(self.turn(timeout))

    async def turn(self, timeout: float | None) -> ConnectionPoolEntry:  # noqa: ASYNC109 - SQLAlchemy gives it
        """Wait for the next that comes back.

        Raises Empty after ``timeout`` seconds, and at once where the caller may make one itself: another was lost.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[ConnectionPoolEntry] = loop.create_future()
        self._waiting.append(future)
        expiry = None if timeout is None else loop.call_later(_patience(timeout), _expire, future)
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():  # handed over, and at that moment not wanted any more
                if future.exception() is None:
                    self.put_nowait(future.result())
                elif isinstance(future.exception(), _Room):
                    self.vacate()
            raise
        finally:
            if expiry is not None:
                expiry.cancel()

    def vacate(self) -> None:
        """Let the next in line make a connection: there is room for one more."""
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_exception(_Room())
                return

    def lying_ready(self) -> tuple[ConnectionPoolEntry, ...]:
        """Return what nobody uses just now."""
        return tuple(self._ready)


class FairPool(AsyncAdaptedQueuePool):
    """A pool of ``Turns``, whose checkout ends within its time-out and ``GRACE``, making a connection included."""

    _queue_class = Turns  # type: ignore[mutable-override]  # SQLAlchemy declares it as any queue, to be replaced so

    def distrust(self) -> None:
        """End the connections that nobody uses: the server fell silent on another, and these may be dead too."""
        turns = self._pool
        for entry in turns.lying_ready() if isinstance(turns, Turns) else ():
            if isinstance(entry.driver_connection, TenantConnection):
                entry.driver_connection.terminate()

    @contextmanager
    def checkout(self) -> Iterator[None]:
        """Bound what waits for a connection meanwhile, in this task."""
        ends = asyncio.get_running_loop().time() + self._timeout + GRACE
        token = checkout_ends.set(ends)
        try:
            yield
        finally:
            checkout_ends.reset(token)

    def at_once(self) -> PoolProxiedConnection | None:
        """Return a connection that lies ready; None where there is none, or what lay ready had died."""
        if self._pool.empty():
            return None
        try:
            return self.connect()
        except MissingGreenlet:
            return None

    async def take(self) -> PoolProxiedConnection | None:
        """Return a connection, waiting for a turn if it must; None where SQLAlchemy has to make one.

        Raises SQLAlchemy's TimeoutError.
        """
        turns = self._pool
        while turns.empty() and isinstance(turns, Turns) and self.checkedout() >= self.size():
            try:
                turns.reserve(await turns.turn(self._timeout))
            except Empty:
                if remaining(0.0) <= GRACE:
                    text = f"no connection of {self.size()} came free within {self._timeout} s"
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
        """Wait on while there is time: a newcomer may have taken the room that the caller was woken for."""
        while True:
            try:
                return super()._do_get()
            except PoolTimeoutError:
                if remaining(0.0) <= GRACE:
                    raise

    def _dec_overflow(self) -> Literal[True]:
        """Pass on the room that a connection leaves which could not be made: nobody else would wake who waits."""
        left = super()._dec_overflow()
        if isinstance(self._pool, Turns):
            self._pool.vacate()
        return left


def _patience(timeout: float) -> float:
    """Return how long a turn may be waited for: ``GRACE`` of a checkout is left for making a connection."""
    return min(timeout, max(0.0, remaining(timeout + GRACE) - GRACE))


def end_silent(driver: TenantConnection, pool: Pool) -> None:
    """End a connection on which the server said nothing in time, and distrust those beside it."""
    driver.terminate()
    if isinstance(pool, FairPool):
        pool.distrust()


def _expire(future: asyncio.Future[ConnectionPoolEntry]) -> None:
    if not future.done():
        future.set_exception(Empty())
