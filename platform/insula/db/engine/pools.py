"""Connection pools: a lazy one for each role, all within the process's budget."""

import asyncio
from collections.abc import Collection, Mapping
from functools import partial
from typing import Final, Literal, Self
from uuid import UUID

from sqlalchemy import event, text
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from insula.core.settings import DatabaseSettings, Settings
from insula.db.engine.address import ENGINE
from insula.db.engine.connection import Connecting, TenantConnection
from insula.db.engine.deadlines import GRACE, ConnectThrottle, connecting_seconds, statement_seconds
from insula.db.engine.failures import UNREACHABLE
from insula.db.engine.fair_pool import FairPool, end_silent
from insula.db.engine.roles import GATE, DatabaseRole, role_url
from insula.db.engine.unit import Unit

Trouble = Literal["busy", "away"]
"""busy: no connection became free in time. away: none could be made, or a statement on it got no answer."""

_LISTENER: Final = 1


def shares(budget: int, roles: Collection[DatabaseRole]) -> dict[DatabaseRole, int]:
    """Divide the budget, minus one for the listener, by the roles' weights, with at least one each.

    The heaviest role gets the remainder.
    """
    total = sum(role.weight for role in roles)
    spare = budget - _LISTENER - len(roles)
    if spare < 0:
        raise ValueError(f"a budget of {budget} connections is too small for {len(roles)} roles and a listener")
    sizes = {role: 1 + spare * role.weight // total for role in roles}
    sizes[max(roles, key=lambda role: role.weight)] += budget - _LISTENER - sum(sizes.values())
    return sizes


class Database:
    """The pools of one process. Connections are made when they are first needed.

    ``patience`` is the time to wait for a connection, in seconds.
    """

    def __init__(self, engines: Mapping[DatabaseRole, AsyncEngine], settings: DatabaseSettings | None = None) -> None:
        settings = settings or DatabaseSettings()
        self._engines = engines
        self._lean_reads, self._lean_writes = settings.lean_reads, settings.lean_writes
        self.patience = connecting_seconds(settings)

    @classmethod
    async def open(cls, settings: Settings, roles: Collection[DatabaseRole]) -> Self:
        """Prepare the pools. The server may be down: units then fail until it is back."""
        sizes = shares(settings.database.budget, roles)
        engines = {role: _engine(settings, role, size) for role, size in sizes.items()}
        return cls(engines, settings.database)

    async def close(self) -> None:
        """Close every connection."""
        for engine in self._engines.values():
            await engine.dispose()

    async def warm(self) -> None:
        """Open a connection in each pool, so that no first request waits for it; the server may be down."""
        await self.unavailable_roles()

    def close_idle(self) -> None:
        """Close the idle connections: the server stopped responding, so new ones must show that it is back."""
        for engine in self._engines.values():
            if isinstance(engine.sync_engine.pool, FairPool):
                engine.sync_engine.pool.close_idle()

    @property
    def roles(self) -> Collection[DatabaseRole]:
        """The roles that have a pool."""
        return self._engines.keys()

    async def unavailable_roles(self) -> Mapping[DatabaseRole, Trouble]:
        """Return the roles whose pool cannot serve now, and why."""
        found = await asyncio.gather(*(self.trouble(role) for role in self._engines))
        return {role: trouble for role, trouble in zip(self._engines, found, strict=True) if trouble is not None}

    async def trouble(self, role: DatabaseRole) -> Trouble | None:
        """Return why the role's pool cannot serve now, or None if it can."""
        try:
            async with self._engines[role].connect() as connection:
                await connection.execute(text("SELECT 1"))
        except UNREACHABLE as error:
            return trouble_of(error)
        return None

    def engine(self, role: DatabaseRole) -> AsyncEngine:
        """Return the role's engine. Most code uses ``unit`` instead."""
        return self._engines[role]

    def unit(self, role: DatabaseRole, tenant_id: UUID | None = None) -> Unit:
        """Return a unit of work. Nothing happens until its first statement."""
        return Unit(
            self._engines[role],
            tenant_id,
            lean_reads=self._lean_reads,
            lean_writes=self._lean_writes,
            autocommit=role == GATE,
        )


def trouble_of(error: Exception) -> Trouble:
    """Return what an error of ``UNREACHABLE`` means for the pool that raised it."""
    return "busy" if isinstance(error, PoolTimeoutError) else "away"


def _engine(settings: Settings, role: DatabaseRole, size: int) -> AsyncEngine:
    engine = create_async_engine(
        ENGINE,
        poolclass=FairPool,
        pool_size=size,
        max_overflow=0,
        pool_timeout=settings.database.pool_timeout,
        pool_use_lifo=True,
        connect_args=_connect_args(settings, role),
        hide_parameters=True,
        # This role reads one statement at a time: a transaction around each would add two round trips.
        **({"isolation_level": "AUTOCOMMIT"} if role == GATE else {}),
    )
    event.listen(engine.sync_engine, "checkout", _check)
    event.listen(engine.sync_engine, "handle_error", _end_silent)
    return engine


def _connect_args(settings: Settings, role: DatabaseRole) -> dict[str, object]:
    arguments: dict[str, object] = {
        "dsn": role_url(settings, role),
        "async_creator_fn": partial(
            Connecting, seconds=connecting_seconds(settings.database), throttle=ConnectThrottle()
        ),
        "connection_class": TenantConnection,
        "command_timeout": statement_seconds(settings.database, role) + GRACE,
    }
    if settings.database.pooler:
        # A named statement belongs to one server connection, and the next transaction may get another.
        arguments |= {"statement_cache_size": 0, "prepared_statement_cache_size": 0}
        arguments["prepared_statement_name_func"] = str
    return arguments


def _end_silent(context: ExceptionContext) -> None:
    """Close a connection whose statement or COMMIT got no answer in time, and its pool's idle ones."""
    if not isinstance(context.original_exception, TimeoutError) or context.connection is None:
        return
    if not context.connection.invalidated:
        driver = context.connection.connection.driver_connection
        if isinstance(driver, TenantConnection):
            end_silent(driver, context.engine.pool if context.engine is not None else context.connection.engine.pool)
    context.is_disconnect = True


def _check(connection: DBAPIConnection, entry: ConnectionPoolEntry, proxy: PoolProxiedConnection) -> None:  # noqa: ARG001  # the event's signature
    """Replace a connection that has died or was left in a transaction."""
    driver = entry.driver_connection
    if not isinstance(driver, TenantConnection) or driver.is_closed() or driver.is_in_transaction():
        raise DisconnectionError("the pooled connection is stale")
