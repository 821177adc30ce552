"""The queue's connections, which do not lose what became of a job when the database is away for a moment."""

import asyncio
import math
from collections.abc import Iterable
from time import monotonic
from typing import Any, Final, LiteralString, Self, TypeVar

import psycopg
import structlog
from procrastinate import PsycopgConnector
from procrastinate.connector import Notify
from procrastinate.exceptions import ConnectorException
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from insula.db.engine.deadlines import Line, first_made

RV = TypeVar("RV")

_PAUSE: Final = 0.5
_GONE: Final = ("08", "57P")  # SQLSTATE: connection exceptions, and what a server says that goes down
_PATIENCE: Final = 30.0
_LAST_PATIENCE: Final = 2.0
_CHECK_SECONDS: Final = 1.0
_INTERVAL: Final = 0.1
_NEXT_TRY: Final = 0.5
_log: Final = structlog.get_logger(__name__)


class QueueConnection(psycopg.AsyncConnection[TupleRow]):
    """A connection on which nothing is waited for without end."""

    statement_seconds: float

    @classmethod
    async def connect(  # type: ignore[override]  # the pool passes on what it is given, these two bounds included
        cls, conninfo: str = "", *, line: Line, connecting_seconds: float, statement_seconds: float, **options: Any
    ) -> Self:
        """Connect. Raises psycopg's OperationalError, also when the server is silent.

        ``statement_seconds`` bounds each wait for an answer on the connection.
        """

        async def make(left: float) -> Self:
            try:
                made: Self = await super(QueueConnection, cls).connect(
                    conninfo, connect_timeout=math.ceil(left), **options
                )
            except psycopg.errors.ConnectionTimeout as error:
                raise TimeoutError(str(error)) from error
            return made

        try:
            made: Self = await first_made(make, lambda late: late.pgconn.finish(), line, connecting_seconds)
        except TimeoutError as error:
            raise psycopg.OperationalError(str(error)) from error
        made.statement_seconds = statement_seconds
        return made

    async def wait(self, gen: PQGen[RV], interval: float = _INTERVAL, timeout: float | None = None) -> RV:  # noqa: ASYNC109 - psycopg's signature
        """Wait for the server as psycopg does, but not for ever: a connection that it leaves silent is ended."""
        try:
            return await super().wait(gen, interval, self.statement_seconds if timeout is None else timeout)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status is TransactionStatus.ACTIVE:
                self.pgconn.finish()
            raise


async def _check(connection: psycopg.AsyncConnection[Any]) -> None:
    """Raise unless a pooled connection answers at once."""
    if isinstance(connection, QueueConnection):
        usual, connection.statement_seconds = connection.statement_seconds, _CHECK_SECONDS
        try:
            await AsyncConnectionPool.check_connection(connection)
        finally:
            connection.statement_seconds = usual


class QueuePool(AsyncConnectionPool[Any]):
    """A pool in which a connection that could not be made is tried again for those who wait for one.

    psycopg's own tries again with growing pauses, or once somebody else asks: who waits meanwhile waits for nothing.
    """

    async def getconn(self, timeout: float | None = None) -> psycopg.AsyncConnection[Any]:  # noqa: ASYNC109  # psycopg's signature
        """Return a connection. Raises PoolTimeout."""
        ends = monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            left = ends - monotonic()
            try:
                made: psycopg.AsyncConnection[Any] = await super().getconn(min(_NEXT_TRY, left))
            except PoolTimeout:
                if left <= _NEXT_TRY:
                    raise
            else:
                return made


def _pool(**options: Any) -> QueuePool:
    return QueuePool(**{**options, "check": _check})


class PatientConnector(PsycopgConnector):
    """Says again what a lost connection swallowed.

    A job that has ended and whose end was not written down would stay "doing" for as long as its
    worker lives, since that gives signs of life. What is said twice is harmless: the second time
    there is no such job.
    """

    def __init__(self, **pool: Any) -> None:
        super().__init__(pool_factory=_pool, **pool)
        self._patience = _PATIENCE
        self._hurried = False
        self.lost = asyncio.Event()
        """Set once the database did not answer a question in time: the worker that asked gets no more jobs."""

    def hurry(self) -> None:
        """Wait for the database only briefly from now on.

        A worker that ends gives no more signs of life, so others run again what it could not write down.
        """
        self._patience, self._hurried = _LAST_PATIENCE, True

    async def open_async(self, pool: AsyncConnectionPool[Any] | None = None) -> None:
        """Open the pool and wait for its first connection. Raises psycopg's errors, with nothing left open."""
        if pool is None:
            pool = await self._opened()
        await super().open_async(pool)

    async def _opened(self) -> AsyncConnectionPool[Any]:
        failed = asyncio.Event()

        async def fail(_pool: AsyncConnectionPool[Any]) -> None:
            failed.set()

        pool = _pool(**self._pool_args, open=False, reconnect_failed=fail)
        await pool.open()
        try:
            await _ready(pool, self._pool_args["timeout"], failed)
        except BaseException:
            await pool.close()
            raise
        return pool

    async def close_async(self) -> None:
        """Close the pool that ``open_async`` opened."""
        await self.pool.close()
        self._async_pool = None

    async def execute_query_async(self, query: LiteralString, **arguments: Any) -> None:
        """Run a statement that returns nothing: the end of a job, a sign of life."""
        begun, repeated = monotonic(), False
        while True:
            try:
                await super().execute_query_async(query, **arguments)
            except ConnectorException as error:
                if repeated and isinstance(error.__cause__, psycopg.errors.RaiseException):
                    return  # no such job any more: it was written down the first time, and the answer lost
                late = monotonic() - begun > self._patience
                if not _is_passing(error) or (late and not self._hurried):
                    raise
                _log.warning("job queue unavailable", error=type(error.__cause__).__name__, given_up=late)
                if late:
                    return
                repeated = True
                await asyncio.sleep(_PAUSE)
            else:
                return

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        """Hear of new jobs, until the connection is lost and none can be had: the worker then takes no more of them."""
        try:
            await super().listen_notify(on_notification, channels)
        except ConnectorException:
            self.lost.set()
            raise

    async def execute_query_one_async(self, query: LiteralString, **arguments: Any) -> dict[str, Any]:
        """Run a statement that returns a row, such as the next job."""
        try:
            row: dict[str, Any] = await super().execute_query_one_async(query, **arguments)
        except ConnectorException as error:
            if _is_lost(error):
                self.lost.set()
            raise
        return row


async def _ready(pool: AsyncConnectionPool[Any], seconds: float, failed: asyncio.Event) -> None:
    """Wait for the pool's first connection. Raises psycopg's errors: as soon as an attempt has ``failed``, too."""
    ready = asyncio.create_task(pool.wait(seconds))
    failing = asyncio.create_task(failed.wait())
    try:
        await asyncio.wait((ready, failing), return_when=asyncio.FIRST_COMPLETED)
        if failing.done():
            raise psycopg.OperationalError("the queue's first connection could not be made")
        await ready
    finally:
        failing.cancel()
        ready.cancel()


def _is_lost(error: ConnectorException) -> bool:
    """Tell whether the connection is gone; a statement that ran into a limit or a deadlock says nothing of it."""
    state: str | None = getattr(error.__cause__, "sqlstate", None)
    return _is_passing(error) and (state is None or state.startswith(_GONE))


def _is_passing(error: ConnectorException) -> bool:
    """Tell whether it was the connection that failed, and others can be had."""
    return isinstance(error.__cause__, psycopg.OperationalError)
