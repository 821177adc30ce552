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


class TenantConnection(WatchedConnection):
    """Sets the tenant in the same message as BEGIN, which saves the round trip of a separate statement.

    ``SET LOCAL`` ends with the transaction, so a pooled connection keeps no tenant for its next user.
    """

    __slots__ = ("_next_tenant",)

    def carry(self, tenant_id: UUID | None) -> None:
        """Make the next BEGIN, and only that one, set this tenant."""
        if tenant_id is not None and not isinstance(tenant_id, UUID):
            raise TypeError(f"a tenant's id is a UUID, not {type(tenant_id).__name__}")
        self._next_tenant = tenant_id

    async def execute(self, query: str, *args: object, timeout: float | None = None) -> str:  # noqa: ASYNC109  # asyncpg's signature
        """Run the command; a BEGIN also sets the tenant."""
        tenant_id = getattr(self, "_next_tenant", None)
        if tenant_id is not None and not args and query.startswith("BEGIN"):
            self._next_tenant = None
            query = f"{query} SET LOCAL app.tenant_id = '{UUID(int=tenant_id.int)}'"
        status: str = await super().execute(query, *args, timeout=timeout)
        return status


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
