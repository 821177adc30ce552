"""The driver's connection, whose next BEGIN may carry the tenant."""

import asyncio
from collections.abc import Generator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import asyncpg

from insula.db.engine.deadlines import GRACE, TOOL_STATEMENT_SECONDS, Line, first_made, keep_alive, remaining

CHANNEL: Final = "insula_access"
"""Where the database announces each change of access; processes drop what they keep of it."""


class WatchedConnection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg ships no types
    """A connection whose end the kernel notices, though the server's machine be gone."""

    __slots__ = ()

    def __init__(self, protocol: object, transport: asyncio.Transport, *rest: object) -> None:
        super().__init__(protocol, transport, *rest)
        keep_alive(transport.get_extra_info("socket"))


TOOL: Final[Mapping[str, object]] = MappingProxyType(
    {"timeout": 10.0, "command_timeout": TOOL_STATEMENT_SECONDS + GRACE, "connection_class": WatchedConnection}
)
"""What bounds the connections of operators' commands, as asyncpg takes it."""
MIGRATING: Final[Mapping[str, object]] = MappingProxyType({**TOOL, "command_timeout": 4 * 3600.0})
"""The same for migrations, which may build an index for hours."""


class TenantConnection(WatchedConnection):
    """Folds the tenant into BEGIN: one message, one round trip less than a statement of its own.

    ``SET LOCAL`` ends with the transaction, so a pooled connection carries nothing to the next user.
    """

    __slots__ = ("_next_tenant",)

    def carry(self, tenant_id: UUID | None) -> None:
        """Let the next BEGIN, and only that one, set this tenant."""
        if tenant_id is not None and not isinstance(tenant_id, UUID):
            raise TypeError(f"a tenant's id is a UUID, not {type(tenant_id).__name__}")
        self._next_tenant = tenant_id

    async def execute(self, query: str, *args: object, timeout: float | None = None) -> str:  # noqa: ASYNC109  # asyncpg's signature
        """Run the command; a BEGIN takes the tenant along."""
        tenant_id = getattr(self, "_next_tenant", None)
        if tenant_id is not None and not args and query.startswith("BEGIN"):
            self._next_tenant = None
            query = f"{query} SET LOCAL app.tenant_id = '{UUID(int=tenant_id.int)}'"
        status: str = await super().execute(query, *args, timeout=timeout)
        return status


class Connecting:
    """A connection to be: nothing happens, and nothing is left behind, unless it is awaited.

    ``seconds`` is how long it may take, less what the current checkout has waited already; ``line`` is shared with
    the others who connect to the same server as the same role.
    """

    def __init__(self, *args: object, seconds: float, line: Line, **options: object) -> None:
        self._connect = partial(_connect, seconds, line, *args, **options)

    def __await__(self) -> Generator[Any, None, asyncpg.Connection]:
        """Connect."""
        return self._connect().__await__()


async def _connect(seconds: float, line: Line, *args: object, **options: object) -> asyncpg.Connection:
    """Connect, or raise ConnectionError: also for a server that is silent, or whose name has no address."""

    async def make(left: float) -> asyncpg.Connection:
        return await asyncpg.connect(*args, timeout=left, **{"connection_class": WatchedConnection, **options})

    try:
        return await first_made(make, asyncpg.Connection.terminate, line, remaining(seconds))
    except OSError as error:  # the driver passes on what the system says, and several failures as one plain OSError
        raise ConnectionError(str(error)) from error
