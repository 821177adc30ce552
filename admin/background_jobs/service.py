"""Staff list, retry and cancel jobs, through the queue's own SQL functions."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from admin.background_jobs import queries
from admin.background_jobs.acts import Act
from admin.background_jobs.errors import JobQueuedAgain, JobSettled
from admin.background_jobs.models import Job, JobEvent
from admin.background_jobs.schemas import JobList
from insula.audit import record
from insula.core import clock
from insula.core.errors import NotFound
from insula.db.engine.failures import constraint_of
from insula.db.schema.queue_rights import QUEUEING_LOCK
from insula.scope import StaffScope

_RETRY: Final = text(
    "SELECT jobs.procrastinate_retry_job_v2(CAST(:id AS bigint), CAST(:at AS timestamptz), NULL, NULL, NULL)"
)
_START_NOW: Final = text("UPDATE jobs.procrastinate_jobs SET scheduled_at = :at WHERE id = :id AND status = 'todo'")
_CANCEL: Final = text("SELECT jobs.procrastinate_cancel_job_v1(CAST(:id AS bigint), true, false)")


async def listing(scope: StaffScope, params: JobList) -> tuple[Sequence[Job], int]:
    """Return one page of the jobs and how many match in all."""
    return await queries.page(scope.unit.session, params)


async def overview(scope: StaffScope, job_id: int) -> tuple[Job, Sequence[JobEvent]]:
    """Return the job and its events. Raises NotFound."""
    return await _get(scope, job_id), await queries.events(scope.unit.session, job_id)


async def retry(scope: StaffScope, job_id: int) -> Job:
    """Queue a failed job again, or let a waiting one start at once.

    Raises NotFound, JobSettled, and JobQueuedAgain if another job with its lock waits already.
    """
    job = await _get(scope, job_id, for_update=True)
    if job.status not in {"failed", "todo"}:
        raise JobSettled
    statement = _RETRY if job.status == "failed" else _START_NOW
    connection = await scope.unit.session.connection()
    try:
        await connection.execute(statement, {"id": job_id, "at": clock.now()})
    except IntegrityError as violation:
        if constraint_of(violation) != QUEUEING_LOCK:
            raise
        raise JobQueuedAgain from violation
    return await _noted(scope, Act.RETRIED, job)


async def cancel(scope: StaffScope, job_id: int) -> Job:
    """Drop a waiting job, and tell a running one to stop. Raises NotFound and JobSettled."""
    job = await _get(scope, job_id, for_update=True)
    if job.status not in {"doing", "todo"}:
        raise JobSettled
    await (await scope.unit.session.connection()).execute(_CANCEL, {"id": job_id})
    return await _noted(scope, Act.CANCELLED, job)


async def _get(scope: StaffScope, job_id: int, *, for_update: bool = False) -> Job:
    job = await queries.find(scope.unit.session, job_id, for_update=for_update)
    if job is None:
        raise NotFound
    return job


async def _noted(scope: StaffScope, act: Act, before: Job) -> Job:
    after = await _get(scope, before.id)
    record(
        scope,
        act,
        object_type="job",
        object_id=str(before.id),
        before=_snapshot(before),
        after=_snapshot(after),
        tenant_id=before.tenant_id,
    )
    return after


def _snapshot(job: Job) -> dict[str, object]:
    return {
        "task": job.task,
        "status": job.status,
        "scheduled_at": job.scheduled_at,
        "abort_requested": job.abort_requested,
    }
