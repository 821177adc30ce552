"""The driver's connection, whose next BEGIN may carry the tenant."""

import asyncio
from collections.abc import Generator
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg


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
    """A connection to be: nothing happens, and nothing is left behind, unless it is awaited."""

    def __init__(self, *args: object, **options: object) -> None:
        self._connect = partial(_connect, *args, **options)

    def __await__(self) -> Generator[Any, None, asyncpg.Connection]:
        """Connect."""
        return self._connect().__await__()


async def _connect(*args: object, **options: object) -> asyncpg.Connection:
    """Connect, to the end even if the caller is cancelled: the driver leaves a half-made connection behind.

    Raises ConnectionError also for a server whose name has no address, or to which no way leads.
    """
    connecting = asyncio.ensure_future(asyncpg.connect(*args, **options))
    try:
        return await asyncio.shield(connecting)
    except asyncio.CancelledError:
        connecting.add_done_callback(_discard)
        raise
    except OSError as error:  # the driver passes on what the system says, and several failures as one plain OSError
        raise ConnectionError(str(error)) from error


def _discard(connecting: asyncio.Future[asyncpg.Connection]) -> None:
    if not connecting.cancelled() and connecting.exception() is None:
        connecting.result().terminate()
