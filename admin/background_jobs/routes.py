from typing import Annotated, Final

from fastapi import APIRouter, Path, Query

from admin.background_jobs import service
from admin.background_jobs.errors import JobQueuedAgain, JobSettled
from admin.background_jobs.permissions import Action
from admin.background_jobs.schemas import JobDetail, JobList, JobRead
from insula.core.errors import NotFound
from insula.core.paging import OffsetPage
from insula.http.responses.problems import problems
from insula.http.routing.guards import allow_staff
from insula.http.routing.route import TenantRoute
from insula.scope import StaffScope

router = APIRouter(prefix="/jobs", tags=["jobs"], route_class=TenantRoute)

_LAST: Final = 2**63 - 1
JobIdDep = Annotated[int, Path(description="The job's number, which is also in the log.", ge=1, le=_LAST)]


@router.get("", summary="List jobs")
async def list_jobs(
    params: Annotated[JobList, Query()], scope: Annotated[StaffScope, allow_staff(Action.READ)]
) -> OffsetPage[JobRead]:
    """List waiting, running and finished jobs of all tenants; `status=failed` shows the dead letters.

    The arguments of a job are not shown: they can contain links and tokens, which only the worker reads.
    """
    rows, total = await service.listing(scope, params)
    items = [JobRead.model_validate(row) for row in rows]
    return OffsetPage[JobRead](items=items, total=total, skip=params.skip, limit=params.limit)


@router.get("/{job_id}", summary="Read a job", responses=problems(NotFound))
async def read_job(job_id: JobIdDep, scope: Annotated[StaffScope, allow_staff(Action.READ)]) -> JobDetail:
    """Return a job and its events."""
    return JobDetail.of(*await service.overview(scope, job_id))


@router.post(
    "/{job_id}/retry",
    status_code=202,
    summary="Run a job again",
    responses=problems(NotFound, JobSettled, JobQueuedAgain),
)
async def retry_job(job_id: JobIdDep, scope: Annotated[StaffScope, allow_staff(Action.RETRY)]) -> JobRead:
    """Queue a failed job again, or let a waiting one start at once."""
    return JobRead.model_validate(await service.retry(scope, job_id))


@router.post("/{job_id}/cancel", status_code=202, summary="Cancel a job", responses=problems(NotFound, JobSettled))
async def cancel_job(job_id: JobIdDep, scope: Annotated[StaffScope, allow_staff(Action.CANCEL)]) -> JobRead:
    """Drop a waiting job for good, or tell a running one to stop."""
    return JobRead.model_validate(await service.cancel(scope, job_id))
