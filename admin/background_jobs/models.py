"""The queue's tables, as far as staff may read them. No ORM maps them, and the arguments of jobs are left out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, DateTime, Integer, Text, Uuid, column, table
from sqlalchemy.dialects.postgresql import ENUM

JobStatus = Literal["todo", "doing", "succeeded", "failed", "cancelled", "aborting", "aborted"]

JOBS: Final = table(
    "procrastinate_jobs",
    column("id", BigInteger),
    column("task_name", Text),
    column("queue_name", Text),
    column("tenant_id", Uuid),
    column("status", ENUM(*get_args(JobStatus), name="procrastinate_job_status", schema="jobs", create_type=False)),
    column("attempts", Integer),
    column("priority", Integer),
    column("enqueued_at", DateTime(timezone=True)),
    column("scheduled_at", DateTime(timezone=True)),
    column("abort_requested", Boolean),
    schema="jobs",
)
EVENTS: Final = table(
    "procrastinate_events",
    column("id", BigInteger),
    column("job_id", BigInteger),
    column("type", Text),
    column("at", DateTime(timezone=True)),
    schema="jobs",
)


@dataclass(frozen=True, slots=True)
class Job:
    """A job of the queue."""

    id: int
    task: str
    queue: str
    tenant_id: UUID | None
    status: JobStatus
    attempts: int
    priority: int
    enqueued_at: datetime
    scheduled_at: datetime | None
    abort_requested: bool


@dataclass(frozen=True, slots=True)
class JobEvent:
    """A change of a job's state."""

    type: str
    at: datetime
