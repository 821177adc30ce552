"""Deletes expired rows: stored answers, recorded effects and old jobs."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from pydantic import JsonValue
from sqlalchemy import text
from sqlalchemy.sql.elements import TextClause

from insula.core import clock
from insula.db.engine.roles import WORKER
from insula.db.models.idempotency import LIFETIME
from insula.jobs import Handlers, JobContext, Periodic

_BATCH: Final = 2_000
_OWN_JOBS_KEPT: Final = timedelta(hours=1)
_ANSWERS: Final = text("""
DELETE FROM idempotency_record WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM idempotency_record WHERE created_at < :before LIMIT :batch))
""")
_EFFECTS: Final = text("""
DELETE FROM job_effect WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM job_effect WHERE created_at < :before LIMIT :batch))
""")
_DONE: Final = text("""
DELETE FROM jobs.procrastinate_jobs WHERE id = ANY (ARRAY(
    SELECT id FROM jobs.procrastinate_jobs
    WHERE status IN ('succeeded', 'cancelled', 'aborted')
      AND (enqueued_at < :before OR enqueued_at < :own_before
           AND task_name IN (SELECT task_name FROM jobs.procrastinate_periodic_defers)) LIMIT :batch))
""")
_FAILED: Final = text("""
DELETE FROM jobs.procrastinate_jobs WHERE id = ANY (ARRAY(
    SELECT id FROM jobs.procrastinate_jobs WHERE status = 'failed' AND enqueued_at < :before LIMIT :batch))
""")


async def _delete_expired(context: JobContext, _arguments: Mapping[str, JsonValue]) -> None:
    """Delete in batches, each in its own transaction."""
    now, keep = clock.now(), context.settings.jobs
    failed = timedelta(days=keep.keep_failed_days)
    await _delete(context, _ANSWERS, before=now - LIFETIME)
    # An effect is remembered longer than any job that could repeat it.
    await _delete(context, _EFFECTS, before=now - 2 * max(failed, timedelta(days=keep.keep_done_days)))
    done = {"before": now - timedelta(days=keep.keep_done_days), "own_before": now - _OWN_JOBS_KEPT}
    await _delete(context, _DONE, **done)
    await _delete(context, _FAILED, before=now - failed)


async def _delete(context: JobContext, statement: TextClause, **parameters: object) -> None:
    deleted = _BATCH
    while deleted == _BATCH:
        async with context.database.unit(WORKER) as unit:
            connection = await unit.session.connection()
            deleted = (await connection.execute(statement, {**parameters, "batch": _BATCH})).rowcount


JOBS: Final[Handlers] = MappingProxyType({"house.tidy": _delete_expired})
SCHEDULES: Final = (Periodic("house.tidy", "*/10 * * * *"),)
