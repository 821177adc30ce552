"""Common parts of long-lived routes: the permit, the repeated check of access, and waiting for the first end."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import structlog
from starlette.requests import HTTPConnection

from insula.core.errors import TooManyConcurrent
from insula.core.ids import TenantId
from insula.http.app_context import context_of
from insula.http.kernel import kernel_of
from insula.http.kinds import LongLived
from insula.http.open_connections import OpenConnection
from insula.http.request.credentials import read_credentials
from insula.http.state import admission_of

_TRY_AGAIN_SECONDS: Final = 5
"""The Retry-After of a refused connection. It is a guess: when another connection ends is unknown."""

Result = TypeVar("Result")
End = TypeVar("End")
_log = structlog.get_logger(__name__)


@asynccontextmanager
async def opened(connection: HTTPConnection, terms: LongLived) -> AsyncIterator[OpenConnection]:
    """Count the admitted connection among those of its tenant while it lasts. Raises TooManyConcurrent."""
    kernel, admission = kernel_of(connection), admission_of(connection.scope)
    permit = await kernel.limits.acquire_connection(TenantId(admission.partition), admission.allowance.connections)
    if permit is None:
        raise TooManyConcurrent(headers={"Retry-After": str(_TRY_AGAIN_SECONDS)})
    credentials = admission.credentials

    async def check() -> None:
        if terms.ends_at_expiry:  # also ends it if the token's signing key is no longer trusted
            await read_credentials(connection, kernel, context_of(connection).audience)
        await admission.reopen()

    found = OpenConnection(
        credentials.subjects,
        credentials.expires_at + kernel.settings.auth.leeway_seconds,
        check,
        terms,
        kernel.connections,
    )
    try:
        with kernel.connections.registered(found):
            found.wake()  # it was not notified of changes between the guard's check and its registration
            yield found
    finally:
        permit.release()


async def first_of(work: Coroutine[Any, Any, Result], *ends: Coroutine[Any, Any, End]) -> Result | End:
    """Run ``work`` and ``ends`` until the first is done, cancel the others, and return its result or error."""
    tasks: list[asyncio.Task[Any]] = [asyncio.ensure_future(each) for each in (work, *ends)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        first = next(task for task in tasks if task in done)
        result: Result | End = first.result()
        return result
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        failed = tasks[0]
        if not failed.cancelled() and failed.exception() is not None:
            _log.debug("handler ended with an error", error=type(failed.exception()).__name__)
