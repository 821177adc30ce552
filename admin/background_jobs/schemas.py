"""Jobs, as staff see them. Only the worker reads their arguments, such as a link in an email."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from admin.background_jobs.models import Job, JobEvent, JobStatus
from admin.bodies import TENANT_ID, Read
from insula.core.moments import Moment
from insula.core.paging import SkipParams

_JOB: Final[JsonDict] = {
    "id": 4711,
    "task": "mail.send",
    "queue": "default",
    "tenant_id": TENANT_ID,
    "status": "failed",
    "attempts": 5,
    "priority": 0,
    "enqueued_at": "2026-11-23T08:00:00Z",
    "scheduled_at": "2026-11-23T08:10:00Z",
    "abort_requested": False,
}
_EVENT: Final[JsonDict] = {"type": "failed", "at": "2026-11-23T08:10:01Z"}


class JobRead(Read):
    """A job."""

    model_config = ConfigDict(json_schema_extra={"examples": [_JOB]})

    id: int
    task: str
    queue: str
    tenant_id: UUID | None = Field(description="The tenant that it works for; null: the platform.")
    status: JobStatus = Field(description="`todo` waits, `doing` runs, `failed` is out of attempts.")
    attempts: int = Field(description="The number of finished runs.")
    priority: int
    enqueued_at: datetime
    scheduled_at: datetime | None = Field(description="The earliest start; null: as soon as a worker is free.")
    abort_requested: bool = Field(description="Whether it was told to stop.")


class JobEventRead(Read):
    """A change of a job's state."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EVENT]})

    type: str
    at: datetime


class JobDetail(JobRead):
    """A job and its events."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_JOB, "events": [_EVENT]}]})

    events: list[JobEventRead] = Field(description="The latest hundred events, oldest first.")

    @classmethod
    def of(cls, job: Job, events: Sequence[JobEvent]) -> Self:
        """Shape a job and its events."""
        own = JobRead.model_validate(job).model_dump()
        return cls(**own, events=[JobEventRead.model_validate(event) for event in events])


class JobList(SkipParams):
    """Query parameters of the list of jobs. ``search`` looks into the task's name."""

    status: JobStatus | None = Field(None, description="Only those in this state.")
    task: str | None = Field(None, min_length=1, max_length=128, description="Only runs of this task.")
    queue: str | None = Field(None, min_length=1, max_length=128, description="Only those in this queue.")
    tenant_id: UUID | None = Field(None, description="Only this tenant's.")
    enqueued_since: Moment | None = Field(None, description="Only those enqueued at or after this time.")
    enqueued_until: Moment | None = Field(None, description="Only those enqueued before this time.")
    sort_by: Literal["enqueued_at", "-enqueued_at", "attempts", "-attempts"] = Field(
        "-enqueued_at", description="The field to sort by; a leading '-' sorts in descending order."
    )
