"""The unit of work: one session, one transaction, at most one tenant."""

import asyncio
from types import TracebackType
from typing import Any, Final, Protocol, Self
from uuid import UUID

from sqlalchemy import event, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import SessionTransaction
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.orm.session import Session

from insula.core.errors import Unavailable
from insula.db.engine.connection import TenantConnection
from insula.db.engine.failures import is_retryable

_UNIT: Final = "unit"
_UNCERTAIN: Final = "The change may have been saved or not; repeat it with the same Idempotency-Key, or read it again"
_SET_TENANT: Final = text("SELECT set_config('app.tenant_id', :tenant_id, true)")


class _TenantSession(Session):
    """A session that sets the tenant in each of its transactions."""


@event.listens_for(_TenantSession, "after_begin")
def _carry_tenant(session: _TenantSession, transaction: SessionTransaction, connection: Connection) -> None:
    """Pass the tenant to the driver, which sends BEGIN with the first statement, after this event."""
    if transaction.nested:
        return
    driver = connection.connection.driver_connection
    if not isinstance(driver, TenantConnection):
        raise TypeError("a unit of work needs an engine of insula.db.engine.pools")
    driver.carry(session.info[_UNIT].tenant_id)


class BeforeCommit(Protocol):
    """Rows to write last in a transaction, so that their locks are held briefly."""

    async def write(self, unit: "Unit") -> None:
        """Write in the unit's transaction, right before its commit."""
        ...


class Unit:
    """A transaction that opens at the session's first statement and ends with ``commit`` or ``rollback``.

    Each transaction of the session, also one after a commit, is bound to the unit's tenant.
    As a context manager it commits on success, rolls back on an error, and closes. ``before_commit`` is
    written by the next commit and dropped by a rollback. ``lean_reads`` lets a ``Reading`` bypass the
    session while no transaction is open. ``tenant_id`` is the tenant of the session's transactions.
    """

    __slots__ = ("_home", "_session", "before_commit", "engine", "lean_reads", "tenant_id")

    def __init__(self, engine: AsyncEngine, tenant_id: UUID | None = None, *, lean_reads: bool = True) -> None:
        self._home = tenant_id
        self._session: AsyncSession | None = None
        self.tenant_id = tenant_id
        self.engine = engine
        self.lean_reads = lean_reads
        self.before_commit: BeforeCommit | None = None

    @property
    def session(self) -> AsyncSession:
        """The session, created on first use: a read that bypasses it does not pay for it."""
        if self._session is None:
            self._session = AsyncSession(
                self.engine, sync_session_class=_TenantSession, expire_on_commit=False, info={_UNIT: self}
            )
        return self._session

    @property
    def begun(self) -> bool:
        """Whether there is something to commit or to roll back."""
        return self.before_commit is not None or (self._session is not None and self._session.in_transaction())

    async def enter(self, tenant_id: UUID) -> None:
        """Flush pending changes for the previous tenant, then switch to this one until the transaction ends."""
        if self.session.in_transaction():
            await self.session.flush()
            connection = await self.session.connection()
            await connection.execute(_SET_TENANT, {"tenant_id": str(UUID(int=tenant_id.int))})
        self.tenant_id = tenant_id

    async def commit(self) -> None:
        """Commit. Raises Unavailable if COMMIT itself fails, unless the transaction can be retried."""
        if self.session.new or self.session.dirty or self.session.deleted:
            await self.session.flush()
        if self.before_commit is not None:
            await self.before_commit.write(self)
            self.before_commit = None
        try:
            await self.session.commit()
        except (SQLAlchemyError, OSError) as error:
            if is_retryable(error):
                raise
            raise Unavailable(_UNCERTAIN) from error
        self.tenant_id = self._home

    async def rollback(self) -> None:
        """Undo everything since the last commit."""
        self.before_commit = None
        await self.session.rollback()
        self.tenant_id = self._home

    async def close(self) -> None:
        """Return the connection to the pool, also when the caller is being cancelled."""
        if self._session is None:
            return
        if self._session.in_transaction():
            await asyncio.shield(asyncio.ensure_future(self._session.close()))
        else:
            await self._session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                await self.commit()
        finally:
            await self.close()


class NoUnit(Unit):
    """Stands in for a unit of work on sockets and streams, where a unit would hold a database connection too long."""

    __slots__ = ()

    def __init__(self) -> None:
        """Take no engine: every use raises."""

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401 - any attribute of a unit
        """Raise RuntimeError."""
        raise RuntimeError(
            f"unit.{name}: sockets and streams have no unit of work: use `async with scope.transaction()`"
        )
