"""Driver connections with keepalive, and one whose BEGIN can also set the tenant."""

import asyncio
from collections.abc import Generator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import asyncpg

from insula.db.engine.deadlines import GRACE, TOOL_STATEMENT_SECONDS, ConnectThrottle, first_made, keep_alive, remaining

CHANNEL: Final = "insula_access"
"""The NOTIFY channel for changes of access; each process then drops its cached copies."""


class WatchedConnection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg ships no types
    """A connection whose loss the operating system notices, even when the server's machine disappears."""

    __slots__ = ()

    def __init__(self, protocol: object, transport: asyncio.Transport, *rest: object) -> None:
        super().__init__(protocol, transport, *rest)
        keep_alive(transport.get_extra_info("socket"))


TOOL: Final[Mapping[str, object]] = MappingProxyType(
    {"timeout": 10.0, "command_timeout": TOOL_STATEMENT_SECONDS + GRACE, "connection_class": WatchedConnection}
)
"""Time limits of the connections of operators' commands, as arguments of asyncpg."""
MIGRATING: Final[Mapping[str, object]] = MappingProxyType({**TOOL, "command_timeout": 4 * 3600.0})
"""The same for migrations, which may take hours to build an index."""


class TransactionEnded(RuntimeError):
    """A statement was run after the unit's transaction had ended, without a rollback in between."""


class TenantConnection(WatchedConnection):
    """Sets the tenant in the same message as BEGIN, which saves the round trip of a separate statement.

    ``SET LOCAL`` ends with the transaction, so a pooled connection keeps no tenant for its next user.
    """

    __slots__ = ("_begun_by_unit",)

    async def begin(self, tenant_id: UUID | None) -> None:
        """Begin a transaction that is bound to this tenant. Its caller ends it, and calls ``leave`` then."""
        await self.execute("BEGIN;" if tenant_id is None else f"BEGIN; {setting_tenant(tenant_id)}")
        self._begun_by_unit = True

    def leave(self) -> None:
        """Forget a transaction that was begun by ``begin``."""
        self._begun_by_unit = False

    def is_open(self) -> bool:
        """Whether the connection is alive and in a transaction."""
        return not self.is_closed() and bool(self.is_in_transaction())

    def check_open(self) -> None:
        """Raise TransactionEnded if the transaction has ended: the next statement would be a transaction of its own."""
        if not self.is_closed() and not self.is_in_transaction():
            raise TransactionEnded("roll the unit back before its next statement")

    def transaction(self, **options: Any) -> Any:  # noqa: ANN401 - asyncpg ships no types
        """Return a transaction for SQLAlchemy: its own, or the one that was begun by ``begin``."""
        return Joined(self) if getattr(self, "_begun_by_unit", False) else super().transaction(**options)


class Joined:
    """Replaces the transaction of SQLAlchemy's dialect: the unit of work has begun one, and ends it."""

    __slots__ = ("_driver",)

    def __init__(self, driver: TenantConnection) -> None:
        self._driver = driver

    async def start(self) -> None:
        """Raise TransactionEnded if the unit's transaction has ended."""
        self._driver.check_open()

    async def commit(self) -> None:
        """Do nothing after the unit's commit; raise RuntimeError before it."""
        if self._driver.is_open():
            raise RuntimeError("commit the unit, not its session")

    async def rollback(self) -> None:
        """Roll back, unless the transaction has ended. A connection that cannot is closed."""
        if self._driver.is_open():
            try:
                await self._driver.execute("ROLLBACK;")
            except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
                self._driver.terminate()


def setting_tenant(tenant_id: UUID) -> str:
    """Return the statement that binds the transaction to this tenant, with its semicolon. Raises TypeError."""
    if not isinstance(tenant_id, UUID):
        raise TypeError(f"a tenant's id is a UUID, not {type(tenant_id).__name__}")
    return f"SET LOCAL app.tenant_id = '{UUID(int=tenant_id.int)}';"


class Connecting:
    """An awaitable that connects; if it is never awaited, nothing happens.

    ``seconds`` bounds the time, minus what the current checkout has already waited. ``throttle`` is shared by all
    that connect to the same server as the same role.
    """

    def __init__(self, *args: object, seconds: float, throttle: ConnectThrottle, **options: object) -> None:
        self._connect = partial(_connect, seconds, throttle, *args, **options)

    def __await__(self) -> Generator[Any, None, asyncpg.Connection]:
        """Connect."""
        return self._connect().__await__()


async def _connect(seconds: float, throttle: ConnectThrottle, *args: object, **options: object) -> asyncpg.Connection:
    """Connect. Raises ConnectionError, also if the server does not respond or its name does not resolve."""

    async def make(left: float) -> asyncpg.Connection:
        return await asyncpg.connect(*args, timeout=left, **{"connection_class": WatchedConnection, **options})

    try:
        return await first_made(make, asyncpg.Connection.terminate, throttle, remaining(seconds))
    except OSError as error:  # the driver raises the system's errors, and joins several into one plain OSError
        raise ConnectionError(str(error)) from error
