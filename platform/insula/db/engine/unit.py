"""The unit of work: one transaction, at most one tenant, and a session that is created on first use."""

import asyncio
import re
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, Protocol, Self
from uuid import UUID

from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import await_only
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.orm.session import Session

from insula.core.errors import AppError, Unavailable
from insula.db.engine.failures import UNREACHABLE, constraint_of, detail_of, is_retryable
from insula.db.engine.transaction import Transaction

_UNIT: Final = "unit"
_UNCERTAIN: Final = "The change may have been saved or not; repeat it with the same Idempotency-Key, or read it again"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_VALUE: Final = re.compile(r"[a-z0-9:-]+")
Refusal = Callable[[str], AppError]
"""Makes the error for a violated constraint from the database's detail message."""


class _UnitSession(Session):
    """A session whose statements run in its unit's transaction."""

    def get_bind(self, *_args: Any, **_options: Any) -> Connection | Engine:
        """Return the connection of the unit's transaction, begun by the first statement."""
        unit: Unit = self.info[_UNIT]
        return unit.bind()


class BeforeCommit(Protocol):
    """Rows to write last in a transaction, so that their locks are held briefly."""

    async def write(self, unit: "Unit") -> None:
        """Write in the unit's transaction, right before its commit."""
        ...


class Unit:
    """A transaction that opens at the first statement and ends with ``commit`` or ``rollback``.

    Each of its transactions, also one after a commit, is bound to the unit's tenant, and its session joins them.
    As a context manager it commits on success, rolls back on an error, and closes. ``before_commit`` is
    written by the next commit and dropped by a rollback. ``lean_reads`` lets a ``Reading`` bypass the transaction while
    none is open; ``lean_writes`` lets statements bypass the session. ``tenant_id`` is the tenant of the transactions.
    With ``autocommit`` each statement is a transaction of its own.
    """

    __slots__ = (
        *("_autocommit", "_own_tenant_id", "_refusals", "_session", "_settings", "_transaction"),
        *("before_commit", "engine", "lean_reads", "lean_writes", "tenant_id"),
    )

    def __init__(
        self,
        engine: AsyncEngine,
        tenant_id: UUID | None = None,
        *,
        lean_reads: bool = True,
        lean_writes: bool = True,
        autocommit: bool = False,
    ) -> None:
        self._own_tenant_id = tenant_id
        self._autocommit = autocommit
        self._session: AsyncSession | None = None
        self._transaction: Transaction | None = None
        self._refusals: dict[str, Refusal] | None = None
        self._settings: dict[str, str] | None = None
        self.tenant_id = tenant_id
        self.engine = engine
        self.lean_reads = lean_reads
        self.lean_writes = lean_writes
        self.before_commit: BeforeCommit | None = None

    @property
    def session(self) -> AsyncSession:
        """The session, created on first use: a unit whose statements bypass it does not pay for it."""
        if self._session is None:
            self._session = AsyncSession(
                self.engine, sync_session_class=_UnitSession, expire_on_commit=False, info={_UNIT: self}
            )
        return self._session

    @property
    def begun(self) -> bool:
        """Whether there is something to commit or to roll back."""
        return (
            self._transaction is not None
            or self.before_commit is not None
            or (self._session is not None and self._session.in_transaction())
        )

    async def transaction(self) -> Transaction:
        """Return the open transaction, begun if there is none, after the session has written its pending changes."""
        if self._transaction is not None and self._session is None:
            return self._transaction
        if self._autocommit:
            raise TypeError("this unit's statements are transactions of their own")
        if self._transaction is None:
            self._transaction = await Transaction.begin(self.engine, self.tenant_id)
        await self._flush()
        if self._session is not None and self._session.in_nested_transaction():
            _ = await self._session.connection()  # SQLAlchemy sends a savepoint with the first use of the connection
        return self._transaction

    def bind(self) -> Connection | Engine:
        """Return the connection or engine of the session's statements. Only the session calls this, in its greenlet."""
        if self._autocommit:
            return self.engine.sync_engine
        if self._transaction is None:
            self._transaction = await_only(Transaction.begin(self.engine, self.tenant_id))
        return self._transaction.connection

    async def enter(self, tenant_id: UUID) -> None:
        """Flush pending changes for the previous tenant, then switch to this one until the transaction ends."""
        if self.begun:
            await (await self.transaction()).enter(tenant_id)
        self.tenant_id = tenant_id

    def refuse(self, refusals: Mapping[str, Refusal]) -> None:
        """Raise these errors, by constraint, if one is violated at COMMIT."""
        self._refusals = {**(self._refusals or {}), **refusals}

    def set_at_commit(self, name: str, value: str) -> None:
        """Set ``app.<name>`` for the triggers that run at COMMIT, in the same message."""
        if not (_NAME.fullmatch(name) and _VALUE.fullmatch(value)):
            raise ValueError(f"app.{name} = {value!r} is no setting for COMMIT")
        self._settings = {**(self._settings or {}), name: f"SET LOCAL app.{name} = '{value}'; "}

    async def commit(self) -> None:
        """Commit. Raises Unavailable if COMMIT itself fails, unless the transaction can be retried.

        A constraint that is violated at COMMIT raises the error that ``refuse`` names for it.
        """
        await self._flush()
        await self._release_savepoints()
        if self.before_commit is not None:
            await self.before_commit.write(self)
            self.before_commit = None
        try:
            if self._transaction is not None:
                await self._transaction.commit("".join((self._settings or {}).values()))
            if self._session is not None and self._session.in_transaction():
                await self._session.commit()
        except IntegrityError as error:
            refusal = (self._refusals or {}).get(constraint_of(error) or "")
            if refusal is None:
                raise
            raise refusal(detail_of(error)) from error
        except UNREACHABLE as error:
            if is_retryable(error):
                raise
            raise Unavailable(_UNCERTAIN) from error
        self._end()

    async def rollback(self) -> None:
        """Undo everything since the last commit."""
        self.before_commit = None
        await self._undo()

    async def close(self) -> None:
        """Return the connection to the pool, also when the caller is being cancelled."""
        if self._transaction is not None or (self._session is not None and self._session.in_transaction()):
            await asyncio.shield(asyncio.ensure_future(self._close()))
        elif self._session is not None:
            await self._session.close()

    async def _close(self) -> None:
        await self._undo()
        if self._session is not None:
            await self._session.close()

    async def _undo(self) -> None:
        try:
            if self._session is not None:
                await self._session.rollback()  # first: it rolls back to open savepoints, if it has joined
            if self._transaction is not None:
                await self._transaction.rollback()
        finally:
            self._end()

    async def _flush(self) -> None:
        session = self._session
        if session is not None and (session.new or session.dirty or session.deleted):
            await session.flush()

    async def _release_savepoints(self) -> None:
        while self._session is not None and (savepoint := self._session.get_nested_transaction()) is not None:
            await savepoint.commit()

    def _end(self) -> None:
        """Release the connection, and return to the unit's own tenant."""
        transaction, self._transaction = self._transaction, None
        self.tenant_id = self._own_tenant_id
        self._refusals = self._settings = None
        if transaction is not None:
            transaction.release()

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
    """Stands in for the unit of work of a socket, stream or upload: a unit would hold a connection too long."""

    __slots__ = ()

    def __init__(self) -> None:
        """Take no engine: every use raises."""

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401 - any attribute of a unit
        """Raise RuntimeError."""
        raise RuntimeError(
            f"unit.{name}: sockets, streams and uploads have no unit of work: use `async with scope.transaction()`"
        )
