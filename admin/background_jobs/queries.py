"""Queries for jobs."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, Row, Text, cast, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from admin.background_jobs.models import EVENTS, JOBS, Job, JobEvent
from admin.background_jobs.schemas import JobList
from insula.core.text.searching import containing

_MOST_EVENTS: Final = 100
_COLUMNS: Final = (
    JOBS.c.id,
    JOBS.c.task_name.label("task"),
    JOBS.c.queue_name.label("queue"),
    JOBS.c.tenant_id,
    JOBS.c.status,
    JOBS.c.attempts,
    JOBS.c.priority,
    JOBS.c.enqueued_at,
    JOBS.c.scheduled_at,
    JOBS.c.abort_requested,
)


async def page(session: AsyncSession, params: JobList) -> tuple[Sequence[Job], int]:
    """Return one page of the jobs and how many match in all."""
    found = _matching(params)
    connection = await session.connection()
    total: int = (await connection.execute(select(func.count(JOBS.c.id)).where(*found))).scalar_one()
    by = JOBS.c[params.sort_field]
    order = (by.desc(), JOBS.c.id.desc()) if params.descending else (by, JOBS.c.id)
    rows = select(*_COLUMNS).where(*found).order_by(*order).offset(params.skip).limit(params.limit)
    return [_job(row) for row in await connection.execute(rows)], total


async def find(session: AsyncSession, job_id: int, *, for_update: bool = False) -> Job | None:
    """Return the job; ``for_update`` locks the row, so no worker takes the job before this transaction ends."""
    statement = select(*_COLUMNS).where(JOBS.c.id == job_id)
    if for_update:
        statement = statement.with_for_update()
    row = (await (await session.connection()).execute(statement)).one_or_none()
    return None if row is None else _job(row)


async def events(session: AsyncSession, job_id: int) -> Sequence[JobEvent]:
    """Return the latest events of the job, oldest first."""
    latest = (
        select(cast(EVENTS.c.type, Text).label("type"), EVENTS.c.at)
        .where(EVENTS.c.job_id == job_id)
        .order_by(EVENTS.c.id.desc())
        .limit(_MOST_EVENTS)
    )
    rows = (await (await session.connection()).execute(latest)).all()
    return [JobEvent(**row._mapping) for row in reversed(rows)]  # noqa: SLF001 - a row's public accessor, in spite of its name


def _job(row: Row[*tuple[object, ...]]) -> Job:
    return Job(**row._mapping)  # noqa: SLF001 - a row's public accessor, in spite of its name


def _matching(params: JobList) -> list[ColumnElement[bool]]:
    wanted = {
        JOBS.c.status: params.status,
        JOBS.c.task_name: params.task,
        JOBS.c.queue_name: params.queue,
        JOBS.c.tenant_id: params.tenant_id,
    }
    found = [column == value for column, value in wanted.items() if value is not None]
    if params.enqueued_since is not None:
        found.append(JOBS.c.enqueued_at >= params.enqueued_since)
    if params.enqueued_until is not None:
        found.append(JOBS.c.enqueued_at < params.enqueued_until)
    if params.search is not None:
        found.append(JOBS.c.task_name.regexp_match(containing(params.search)))
    return found
