"""Workers: in this process with a test's handlers, and as real processes that can be killed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from uuid import UUID

from insula.core.logging import configure
from insula.core.settings import JobsSettings, Settings
from insula.jobs import Handlers, Periodic
from insula.worker import work
from tests.support.app import environment_of
from tests.support.apps import DECLARED
from tests.support.forkserver import Forked
from tests.support.processes import started

Readback = Callable[..., Awaitable[list[dict[str, object]]]]


def quick(settings: Settings, **jobs: float) -> Settings:
    """Return ``settings`` with short times to detect lost workers and to retry failures."""
    found = {
        "heartbeat_seconds": 0.2,
        "stalled_seconds": 1.0,
        "poll_seconds": 0.2,
        "retry_seconds": 0.05,
        "drain_seconds": 5.0,
    }
    return settings.model_copy(update={"jobs": JobsSettings.model_validate({**found, **jobs})})


@asynccontextmanager
async def working(settings: Settings, handlers: Handlers, periodic: Iterable[Periodic] = ()) -> AsyncIterator[None]:
    """Run these handlers in this process during the block; drain them at the end."""
    configure(settings.log_format, settings.log_level)
    task = asyncio.create_task(work(settings, handlers, periodic, DECLARED))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def spawn(settings: Settings, module: str = "insula.worker") -> Forked:
    """Start a worker process."""
    jobs = {f"INSULA_JOBS_{name.upper()}": str(value) for name, value in settings.jobs.model_dump().items()}
    mail = {
        "INSULA_MAIL_HOST": settings.mail.host,
        "INSULA_MAIL_PORT": str(settings.mail.port),
        "INSULA_MAIL_STARTTLS": str(settings.mail.starttls).lower(),
        "INSULA_MAIL_SENDER": settings.mail.sender,
        "INSULA_LOG_LEVEL": "WARNING",
    }
    return started(module, environment=environment_of(settings) | jobs | mail)


async def job(readback: Readback, number: int | None) -> dict[str, object]:
    """Return the job's row."""
    (row,) = await readback(
        "select status::text, attempts, args, tenant_id from jobs.procrastinate_jobs where id = :id", id=number
    )
    return row


async def statuses(readback: Readback, tenant_id: UUID) -> set[object]:
    """Return the statuses of the tenant's jobs."""
    rows = await readback("select status::text from jobs.procrastinate_jobs where tenant_id = :id", id=tenant_id)
    return {row["status"] for row in rows}
