"""The driver's connection, whose next BEGIN may carry the tenant."""

from collections.abc import Generator
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg

from insula.db.deadlines import Line, first_made, keep_alive, remaining


class TenantConnection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg ships no types
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
        return await asyncpg.connect(*args, timeout=left, **options)

    try:
        made = await first_made(make, asyncpg.Connection.terminate, line, remaining(seconds))
    except OSError as error:  # the driver passes on what the system says, and several failures as one plain OSError
        raise ConnectionError(str(error)) from error
    keep_alive(made._transport.get_extra_info("socket"))  # noqa: SLF001 - the driver has no public way to its socket
    return made
