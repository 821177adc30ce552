"""procrastinate, set up to run our handlers."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

from procrastinate import App, JobContext
from pydantic import JsonValue

from insula.core.settings import Settings
from insula.db.engine.deadlines import GRACE, LIBPQ_WATCHED, ConnectThrottle, connecting_seconds
from insula.db.engine.roles import WORKER, role_url
from insula.db.schema.queue_rights import SEARCH_PATH
from insula.jobs import Handlers, Periodic
from insula.worker.connector import PatientConnector, QueueConnection
from insula.worker.retry import Backoff
from insula.worker.runner import Resources, Runner

CONNECTIONS: Final = 4
"""Connections of the process's budget that the queue itself uses, including the listener's."""


def connector(settings: Settings) -> PatientConnector:
    """Return the queue's connector for the worker role, not opened yet."""
    # LISTEN and the search path need a session of our own, so bypass a transaction pooler.
    database = settings.database
    connecting = connecting_seconds(database)
    return PatientConnector(
        conninfo=role_url(settings, WORKER, direct=True),
        kwargs={
            "options": f"-c search_path={SEARCH_PATH.replace(' ', '')} "
            f"-c statement_timeout={int(database.statement_timeout * 1000)}",
            "throttle": ConnectThrottle(),
            "connecting_seconds": connecting,
            "statement_seconds": database.statement_timeout + GRACE,
            **LIBPQ_WATCHED,
        },
        connection_class=QueueConnection,
        min_size=1,
        max_size=CONNECTIONS - 1,
        timeout=connecting,
        reconnect_timeout=0,  # reconnect when a connection is next needed, not after growing waits
    )


def build(connections: PatientConnector, resources: Resources, handlers: Handlers, periodic: Iterable[Periodic]) -> App:
    """Return the queue with each handler as a task."""
    app = App(connector=connections)
    retry = Backoff(resources.settings.jobs)
    scheduled = {entry.task: entry.cron for entry in periodic}
    for name, handler in handlers.items():
        run = _task(Runner(resources, name, handler))
        task = app.task(name=name, pass_context=True, retry=retry, queue="default")(run)
        if name in scheduled:
            # No queueing lock: procrastinate would read it from an error detail that row-level security hides.
            app.periodic(cron=scheduled[name])(task)
    return app


def _task(runner: Runner) -> Callable[..., Awaitable[None]]:
    async def run(
        context: JobContext,
        *,
        tenant_id: str | None = None,
        arguments: Mapping[str, JsonValue] | None = None,
        timestamp: int = 0,  # noqa: ARG001  procrastinate passes it to periodic jobs
    ) -> None:
        await runner.run(context, tenant_id, arguments or {})

    return run
