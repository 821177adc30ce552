"""Connections: one lazy pool for each role, all within the process's budget."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final, Self
from uuid import UUID

from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from insula.db.connection import Connecting, TenantConnection
from insula.db.fair_pool import FairPool
from insula.db.roles import APP_ROLES, DatabaseRole, role_url
from insula.db.unit import Unit
from insula.settings import Settings

_LISTENER: Final = 1
_CONNECT_SECONDS: Final = 5.0
_WEIGHTS: Final[Mapping[DatabaseRole, int]] = MappingProxyType(
    {
        DatabaseRole.TENANTS: 8,
        DatabaseRole.BILLING: 3,
        DatabaseRole.ADMIN: 3,
        DatabaseRole.IDENTITY: 3,
        DatabaseRole.GATE: 2,
        DatabaseRole.WORKER: 8,
    }
)


def shares(budget: int, roles: Collection[DatabaseRole]) -> dict[DatabaseRole, int]:
    """Divide the budget by the roles' weights, at least one each, less one for the listener.

    What rounding leaves over goes to the role that weighs most.
    """
    total = sum(_WEIGHTS[role] for role in roles)
    spare = budget - _LISTENER - len(roles)
    if spare < 0:
        raise ValueError(f"a budget of {budget} connections is too small for {len(roles)} roles and a listener")
    sizes = {role: 1 + spare * _WEIGHTS[role] // total for role in roles}
    sizes[max(roles, key=lambda role: _WEIGHTS[role])] += budget - _LISTENER - sum(sizes.values())
    return sizes


class Database:
    """The pools of one process. A connection is made when it is first needed."""

    def __init__(self, engines: Mapping[DatabaseRole, AsyncEngine], *, lean_reads: bool = True) -> None:
        self._engines = engines
        self._lean_reads = lean_reads

    @classmethod
    async def open(cls, settings: Settings, roles: Collection[DatabaseRole] = APP_ROLES) -> Self:
        """Prepare the pools. The server may be away: a unit then fails, and later ones recover."""
        sizes = shares(settings.database.budget, roles)
        engines = {role: _engine(settings, role, size) for role, size in sizes.items()}
        return cls(engines, lean_reads=settings.database.lean_reads)

    async def close(self) -> None:
        """Close every connection."""
        for engine in self._engines.values():
            await engine.dispose()

    async def warm(self) -> None:
        """Open a connection in each pool, so that no first request waits for it; the server may be away."""
        for engine in self._engines.values():
            try:
                async with engine.connect():
                    pass
            except (SQLAlchemyError, OSError):
                return

    def engine(self, role: DatabaseRole) -> AsyncEngine:
        """Return the role's pool; a unit of work is the usual way to it."""
        return self._engines[role]

    def unit(self, role: DatabaseRole, tenant_id: UUID | None = None) -> Unit:
        """Return a unit of work. Nothing happens until its session is used."""
        return Unit(self._engines[role], tenant_id, lean_reads=self._lean_reads)

    async def ping(self) -> bool:
        """Tell whether the database answers."""
        role = DatabaseRole.GATE if DatabaseRole.GATE in self._engines else next(iter(self._engines))
        try:
            async with self._engines[role].connect() as connection:
                await connection.execute(text("SELECT 1"))
        except (SQLAlchemyError, OSError):
            return False
        return True


def _engine(settings: Settings, role: DatabaseRole, size: int) -> AsyncEngine:
    engine = create_async_engine(
        make_url(role_url(settings, role)).set(drivername="postgresql+asyncpg"),
        poolclass=FairPool,
        pool_size=size,
        max_overflow=0,
        pool_timeout=settings.database.pool_timeout,
        pool_use_lifo=True,
        connect_args=_connect_args(settings),
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "checkout", _check)
    return engine


def _connect_args(settings: Settings) -> dict[str, object]:
    arguments: dict[str, object] = {
        "async_creator_fn": Connecting,
        "connection_class": TenantConnection,
        "timeout": _CONNECT_SECONDS,
    }
    if settings.database.pooler:
        # A named statement lives on one server connection, and the next transaction may have another.
        arguments |= {"statement_cache_size": 0, "prepared_statement_cache_size": 0}
        arguments["prepared_statement_name_func"] = str
    return arguments


def _check(connection: DBAPIConnection, entry: ConnectionPoolEntry, proxy: PoolProxiedConnection) -> None:  # noqa: ARG001  # the event's signature
    """Replace a connection that has died or was left in a transaction; forget a tenant it never used."""
    driver = entry.driver_connection
    if not isinstance(driver, TenantConnection) or driver.is_closed() or driver.is_in_transaction():
        raise DisconnectionError("the pooled connection is stale")
    driver.carry(None)
