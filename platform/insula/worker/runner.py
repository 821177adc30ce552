"""Runs one job for its tenant, with its own log context, and logs its outcome."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Final
from uuid import UUID

import structlog
from procrastinate import JobContext as QueueContext
from procrastinate.exceptions import JobAborted
from pydantic import JsonValue, ValidationError

from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.schema.declarations import Declarations
from insula.jobs import Handler, JobContext, Mailer, TenantGone

_log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Resources:
    """Resources that a worker opens once and all jobs share."""

    settings: Settings
    database: Database
    mailer: Mailer
    declared: Declarations


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs jobs of one task."""

    resources: Resources
    task: str
    handler: Handler

    async def run(self, queued: QueueContext, tenant_id: str | None, arguments: Mapping[str, JsonValue]) -> None:
        """Run the handler. Raises the handler's errors; aborts the job if its tenant is gone."""
        context = self._context(queued, tenant_id)
        started = monotonic()
        names = {"job_id": context.job_id, "task": self.task, "tenant_id": tenant_id, "attempt": context.attempt}
        with structlog.contextvars.bound_contextvars(**names):
            try:
                await self._run(context, arguments)
            except TenantGone:
                _log.info("job dropped", reason="the tenant is suspended or removed")
                raise JobAborted from None
            except BaseException as error:
                # A ValidationError shows the arguments, such as the link in an email.
                shown = not isinstance(error, ValidationError)
                _log.warning("job failed", error=type(error).__name__, exc_info=shown)
                raise
            say = _log.debug if self.task in self.resources.declared.scheduled else _log.info
            say("job done", seconds=round(monotonic() - started, 3))

    async def _run(self, context: JobContext, arguments: Mapping[str, JsonValue]) -> None:
        if context.tenant_id is None and self.task not in self.resources.declared.tenantless_tasks:
            raise PermissionError(f"the task {self.task} needs a tenant")
        async with context.unit():  # raises TenantGone unless the tenant is active
            _log.debug("job starts")
        await self.handler(context, arguments)

    def _context(self, queued: QueueContext, tenant_id: str | None) -> JobContext:
        found = self.resources
        return JobContext(
            settings=found.settings,
            database=found.database,
            mailer=found.mailer,
            tenant_id=None if tenant_id is None else UUID(tenant_id),
            job_id=queued.job.id or 0,
            attempt=queued.job.attempts + 1,
        )
