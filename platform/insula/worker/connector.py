"""The queue's connections, which keep a job's outcome when the database is briefly down."""

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

from insula.db.engine.deadlines import ConnectThrottle, first_made

RV = TypeVar("RV")

_PAUSE: Final = 0.5
_GONE: Final = ("08", "57P")  # SQLSTATE: connection exceptions, and the errors of a server that shuts down
_PATIENCE: Final = 30.0
_LAST_PATIENCE: Final = 2.0
_CHECK_SECONDS: Final = 1.0
_INTERVAL: Final = 0.1
_NEXT_TRY: Final = 0.5
_log: Final = structlog.get_logger(__name__)


class QueueConnection(psycopg.AsyncConnection[TupleRow]):
    """A connection whose every wait has a time limit."""

    statement_seconds: float

    @classmethod
    async def connect(  # type: ignore[override]  # the pool passes its arguments on, these bounds included
        cls,
        conninfo: str = "",
        *,
        throttle: ConnectThrottle,
        connecting_seconds: float,
        statement_seconds: float,
        **options: Any,
    ) -> Self:
        """Connect. Raises psycopg's OperationalError, also if the server does not respond.

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
            made: Self = await first_made(make, lambda late: late.pgconn.finish(), throttle, connecting_seconds)
        except TimeoutError as error:
            raise psycopg.OperationalError(str(error)) from error
        made.statement_seconds = statement_seconds
        return made

    async def wait(self, gen: PQGen[RV], interval: float = _INTERVAL, timeout: float | None = None) -> RV:  # noqa: ASYNC109 - psycopg's signature
        """Wait for the server as psycopg does, but with a time limit; then close the connection."""
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
    """A pool that retries a failed connection attempt while callers wait.

    psycopg's own pool retries with growing pauses, or when another caller asks; waiting callers get nothing meanwhile.
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
    """Repeats statements that were lost with a connection.

    A finished job whose end was not saved would stay "doing" for as long as its worker sends
    heartbeats. Repeating a statement is harmless: the second time the job is no longer "doing".
    A job can also have ended before the first try: it ran again elsewhere while its worker sent no heartbeats.
    """

    def __init__(self, **pool: Any) -> None:
        super().__init__(pool_factory=_pool, **pool)
        self._patience = _PATIENCE
        self._hurried = False
        self.lost = asyncio.Event()
        """Set when a connection of the queue is lost: the worker then takes no more jobs."""

    def hurry(self) -> None:
        """Wait only briefly for the database from now on.

        A stopping worker sends no more heartbeats, so others rerun the jobs whose end it could not save.
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
        """Run a statement without a result, such as a job's end or a heartbeat."""
        begun, repeated = monotonic(), False
        while True:
            try:
                await super().execute_query_async(query, **arguments)
            except ConnectorException as error:
                if isinstance(error.__cause__, psycopg.errors.RaiseException):  # the job has ended already
                    if not repeated:
                        _log.warning("job had ended already", queued_job=arguments.get("job_id"))
                    return
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
        """Listen for new jobs. If the connection is lost and cannot be replaced, the worker takes no more jobs."""
        try:
            await super().listen_notify(on_notification, channels)
        except ConnectorException:
            self.lost.set()
            raise

    async def execute_query_one_async(self, query: LiteralString, **arguments: Any) -> dict[str, Any]:
        """Run a statement that returns one row, such as the next job."""
        try:
            row: dict[str, Any] = await super().execute_query_one_async(query, **arguments)
        except ConnectorException as error:
            if _is_lost(error):
                self.lost.set()
            raise
        return row


async def _ready(pool: AsyncConnectionPool[Any], seconds: float, failed: asyncio.Event) -> None:
    """Wait for the pool's first connection. Raises psycopg's errors, also as soon as ``failed`` is set."""
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
    """Return whether the connection is lost, and not only a statement stopped by a time limit or a deadlock."""
    state: str | None = getattr(error.__cause__, "sqlstate", None)
    return _is_passing(error) and (state is None or state.startswith(_GONE))


def _is_passing(error: ConnectorException) -> bool:
    """Return whether the connection failed, so that a retry on another one may work."""
    return isinstance(error.__cause__, psycopg.OperationalError)
