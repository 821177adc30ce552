"""One transaction on one pooled connection: statements run on the driver, and a session can join it.

SQLAlchemy's work for a statement costs more CPU than the statement itself. A session, which the flush of a mapped
object needs, runs in the same transaction: its connection wraps the same pooled one.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Self
from uuid import UUID

import asyncpg
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import PoolProxiedConnection

from insula.db.engine.connection import TenantConnection, setting_tenant
from insula.db.engine.fair_pool import FairPool, end_silent

_COMMITTED: Final = "COMMIT"
_TRANSLATED: Final = (asyncpg.IntegrityConstraintViolationError, asyncpg.InterfaceError, TimeoutError)


class NotCommitted(RuntimeError):
    """COMMIT ended a transaction in which a statement had failed: PostgreSQL rolls it back and reports no error."""


class Transaction:
    """An open transaction. The unit that began it ends it, and releases its connection."""

    __slots__ = ("_connection", "_engine", "_pooled", "driver")

    def __init__(self, engine: AsyncEngine, pooled: PoolProxiedConnection, driver: TenantConnection) -> None:
        self._engine = engine
        self._pooled = pooled
        self._connection: Connection | None = None
        self.driver = driver

    @classmethod
    async def begin(cls, engine: AsyncEngine, tenant_id: UUID | None) -> Self:
        """Begin a transaction that is bound to this tenant."""
        pooled = await checkout(engine)
        driver = driver_of(pooled)
        begun = cls(engine, pooled, driver)
        try:
            await driver.begin(tenant_id)
        except BaseException as error:
            begun._broken(error)  # also a cancelled BEGIN: whether the server has begun is unknown
            raise
        return begun

    @property
    def connection(self) -> Connection:
        """SQLAlchemy's connection in this transaction, made on first use."""
        if self._connection is None:
            self._connection = Connection(self._engine.sync_engine, connection=self._pooled)
        return self._connection

    async def fetch(self, sql: str, arguments: Sequence[object]) -> Sequence[Mapping[str, object]]:
        """Run a statement and return its rows.

        Raises IntegrityError, as a session does, for a violated constraint, and otherwise the driver's errors.
        """
        self.driver.check_open()
        try:
            records: Sequence[Mapping[str, object]] = await self.driver.fetch(sql, *arguments)
        except _TRANSLATED as error:
            raise self._translated(sql, error) from error.__cause__
        return records

    async def run_many(self, sql: str, all_arguments: Iterable[Sequence[object]]) -> None:
        """Run a statement once for each list of arguments, in a few round trips. Raises as ``fetch``."""
        self.driver.check_open()
        try:
            await self.driver.executemany(sql, all_arguments)
        except _TRANSLATED as error:
            raise self._translated(sql, error) from error.__cause__

    async def enter(self, tenant_id: UUID) -> None:
        """Bind the rest of the transaction to this tenant."""
        sql = setting_tenant(tenant_id)
        self.driver.check_open()
        try:
            await self.driver.execute(sql)
        except _TRANSLATED as error:
            raise self._translated(sql, error) from error.__cause__

    async def commit(self, setting: str = "") -> None:
        """Commit; ``setting`` is SQL that is sent in the same message.

        Raises IntegrityError for a constraint that is checked at COMMIT, NotCommitted, and TransactionEnded.
        """
        self.driver.check_open()
        try:
            status = await self.driver.execute(f"{setting}{_COMMITTED};")
        except asyncpg.IntegrityConstraintViolationError as error:
            raise IntegrityError(_COMMITTED, None, error, hide_parameters=True) from error
        except asyncpg.PostgresError:
            raise  # the statement has ended with this error; the next checkout replaces the connection if it died
        except BaseException as error:
            self._broken(error)
            raise
        if status != _COMMITTED:
            raise NotCommitted(status)

    async def rollback(self) -> None:
        """Roll back, if the transaction is still open."""
        if self._pooled.is_valid and self.driver.is_open():
            try:
                await self.driver.execute("ROLLBACK;")
            except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
                self._broken(error)
            except BaseException as error:
                self._broken(error)
                raise

    def release(self) -> None:
        """Return the connection to the pool."""
        self.driver.leave()
        if self._pooled.is_valid:
            self._pooled.close()

    def _translated(self, sql: str, error: Exception) -> Exception:
        """Return the error to raise for one of the driver's."""
        if isinstance(error, asyncpg.IntegrityConstraintViolationError):
            return IntegrityError(sql, None, error, hide_parameters=True)
        if isinstance(error, TimeoutError):
            self._silent()
        elif self.driver.is_closed():  # lost before the statement, which the driver's error does not tell
            return ConnectionError(str(error))
        return error

    def _silent(self) -> None:
        end_silent(self.driver, self._engine.sync_engine.pool)
        self._pooled.invalidate()

    def _broken(self, error: BaseException) -> None:
        """Give up a connection whose state is unknown."""
        if isinstance(error, TimeoutError):
            self._silent()
        elif self._pooled.is_valid:
            self._pooled.invalidate()


def driver_of(pooled: PoolProxiedConnection) -> TenantConnection:
    """Return the driver's connection. Raises TypeError if the pool is not one of ``insula.db.engine.pools``."""
    driver = pooled.driver_connection
    if not isinstance(driver, TenantConnection):
        pooled.close()
        raise TypeError("a unit of work and a reading need an engine of insula.db.engine.pools")
    return driver


async def checkout(engine: AsyncEngine) -> PoolProxiedConnection:
    """Take a connection, without the greenlet that SQLAlchemy would use to wait for one.

    Raises SQLAlchemy's TimeoutError, and the driver's errors.
    """
    pool = engine.sync_engine.pool
    if not isinstance(pool, FairPool):
        return await _connect(engine)
    taken = pool.at_once()
    if taken is not None:
        return taken
    with pool.checkout():
        taken = await pool.take()
        return await _connect(engine) if taken is None else taken


async def _connect(engine: AsyncEngine) -> PoolProxiedConnection:
    try:
        return await engine.raw_connection()
    except AsyncAdapt_asyncpg_dbapi.Error as error:
        raise error.__cause__ or error from error
