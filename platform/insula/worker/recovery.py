"""Requeues the jobs of workers that stopped sending heartbeats."""

import asyncio
from typing import Final

import structlog
from sqlalchemy import text

from insula.core.settings import JobsSettings
from insula.db.engine.failures import UNREACHABLE
from insula.db.engine.pools import Database
from insula.db.engine.roles import WORKER

_STALLED: Final = text("""
SELECT job.id, job.attempts FROM jobs.procrastinate_jobs AS job
LEFT JOIN jobs.procrastinate_workers AS worker ON worker.id = job.worker_id
WHERE job.status = 'doing'
  AND (worker.id IS NULL OR worker.last_heartbeat < now() - make_interval(secs => :silence))
ORDER BY job.id LIMIT 1000 FOR UPDATE OF job SKIP LOCKED
""")
_AGAIN: Final = text("""
SELECT jobs.procrastinate_retry_job_v2(id, now(), NULL, NULL, NULL) FROM unnest(CAST(:ids AS bigint[])) AS id
""")
_GIVE_UP: Final = text("""
SELECT jobs.procrastinate_finish_job_v1(id, 'failed', false) FROM unnest(CAST(:ids AS bigint[])) AS id
""")
_PRUNE: Final = text("SELECT count(*) FROM jobs.procrastinate_prune_stalled_workers_v1(:silence)")

_log: Final = structlog.get_logger(__name__)


async def recover(database: Database, settings: JobsSettings) -> int:
    """Queue stalled jobs again and return how many; a job whose last allowed attempt stalled has failed."""
    async with database.unit(WORKER) as unit:
        connection = await unit.session.connection()
        silence = {"silence": settings.stalled_seconds}
        stalled = (await connection.execute(_STALLED, silence)).all()
        lost = [row.id for row in stalled if row.attempts + 1 >= settings.max_attempts]
        again = [row.id for row in stalled if row.attempts + 1 < settings.max_attempts]
        await connection.execute(_AGAIN, {"ids": again})
        await connection.execute(_GIVE_UP, {"ids": lost})
        await connection.execute(_PRUNE, silence)
    if stalled:
        _log.warning("stalled jobs recovered", again=again, given_up=lost)
    return len(again)


async def keep_recovering(database: Database, settings: JobsSettings) -> None:
    """Run ``recover`` at every heartbeat interval."""
    while True:
        try:
            await recover(database, settings)
        except UNREACHABLE as error:
            _log.warning("recovery failed", error=type(error).__name__)
        await asyncio.sleep(settings.heartbeat_seconds)
