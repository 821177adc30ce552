"""The worker process: opens the resources of jobs, runs jobs, and drains on shutdown."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Final

import psycopg
import structlog
from procrastinate import App
from procrastinate.exceptions import ConnectorException

from insula.apps import Installation
from insula.apps.settings import read
from insula.core.logging import configure
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.schema.declarations import Declarations
from insula.jobs import Handlers, Periodic
from insula.worker.connector import PatientConnector
from insula.worker.mailers import mailer_of
from insula.worker.queue import CONNECTIONS, build, connector
from insula.worker.recovery import keep_recovering
from insula.worker.runner import Resources
from insula.worker.tasks import handlers_of, periodic_of

_PAUSE: Final = 0.5
_ENDING_AT_ONCE: Final = 2

_log: Final = structlog.get_logger(__name__)


async def run(settings: Settings, installation: Installation | None = None) -> None:
    """Run jobs until SIGTERM or SIGINT; then let running ones finish, within ``drain_seconds``."""
    settings, installation = read(settings, installation)
    configure(settings.log_format, settings.log_level)
    working = asyncio.create_task(
        work(settings, handlers_of(installation), periodic_of(installation), installation.database)
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, working.cancel)
    with suppress(asyncio.CancelledError):
        await working


async def work(settings: Settings, handlers: Handlers, periodic: Iterable[Periodic], declared: Declarations) -> None:
    """Run jobs until cancelled, then let running ones finish. Waits while the database is down."""
    # Its messages show a job's arguments, such as the links in an email. Our own log has the rest.
    logging.getLogger("procrastinate").setLevel(logging.ERROR)
    logging.getLogger("procrastinate.worker").setLevel(logging.CRITICAL)
    async with _opened(settings, declared) as resources:
        serving = _Serving(resources, handlers, periodic)
        try:
            while not _is_stopping():
                try:
                    await serving.once()
                except (ConnectorException, psycopg.Error, OSError) as error:
                    _log.warning("job queue unavailable", error=repr(error))
                await asyncio.sleep(0 if _is_stopping() else _PAUSE)
        finally:
            await serving.drain()


def _is_stopping() -> bool:
    """Return whether this task was cancelled, even if another error replaced the CancelledError."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@asynccontextmanager
async def _opened(settings: Settings, declared: Declarations) -> AsyncIterator[Resources]:
    async with AsyncExitStack() as stack:
        rest = settings.database.model_copy(update={"budget": settings.database.budget - CONNECTIONS})
        database = await Database.open(settings.model_copy(update={"database": rest}), declared.worker_roles)
        stack.push_async_callback(database.close)
        stack.push_async_callback(_ended, asyncio.create_task(keep_recovering(database, settings.jobs)))
        yield Resources(settings, database, mailer_of(settings), declared)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


class _Serving:
    """This process's workers: one that takes jobs, and those that lost the database and finish their running jobs."""

    def __init__(self, resources: Resources, handlers: Handlers, periodic: Iterable[Periodic]) -> None:
        self._resources = resources
        self._handlers = handlers
        self._periodic = tuple(periodic)
        self._ending: dict[asyncio.Task[None], PatientConnector] = {}

    async def once(self) -> None:
        """Take and run jobs until the database is lost or this is cancelled. Raises the errors of opening the queue."""
        while len(self._ending) >= _ENDING_AT_ONCE:  # each has its own connections and jobs
            await asyncio.wait(self._ending, return_when=asyncio.FIRST_COMPLETED)
        connections = connector(self._resources.settings)
        app = build(connections, self._resources, self._handlers, self._periodic)
        await app.open_async()
        serving = asyncio.create_task(self._run(app))
        self._ending[serving] = connections
        serving.add_done_callback(self._ended)
        lost = asyncio.create_task(connections.lost.wait())
        try:
            await asyncio.wait((serving, lost), return_when=asyncio.FIRST_COMPLETED)
        finally:
            lost.cancel()
        if connections.lost.is_set():
            self._resources.database.close_idle()
        serving.cancel()  # it takes no more jobs, and finishes its running ones beside the next worker

    async def drain(self) -> None:
        """Let running jobs finish, within ``drain_seconds``."""
        tasks = list(self._ending)
        for task in tasks:
            self._ending[task].hurry()
            if not task.cancelling():  # a second cancel would abort the jobs that it waits for
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, app: App) -> None:
        jobs = self._resources.settings.jobs
        _log.info("worker ready", concurrency=jobs.concurrency)
        try:
            await app.run_worker_async(
                concurrency=jobs.concurrency,
                install_signal_handlers=False,
                fetch_job_polling_interval=jobs.poll_seconds,
                update_heartbeat_interval=jobs.heartbeat_seconds,
                stalled_worker_timeout=jobs.stalled_seconds,
                shutdown_graceful_timeout=jobs.drain_seconds,
            )
        finally:
            await app.close_async()

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._ending[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.warning("job queue unavailable", error=repr(error))
