"""Fault 44: the jobs of a worker that is killed with SIGKILL run again, with one effect each. On SIGTERM it drains.

``make kill-workers`` runs 1,000 jobs with 20 kills, and reports the recovery times.
"""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from statistics import median
from time import monotonic
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from insula.core.errors import Unavailable
from insula.core.settings import Settings
from insula.db.engine.connection import TenantConnection
from insula.db.engine.pools import Database
from insula.jobs import enqueue
from tenants.database import TENANTS
from tests.support.counting_worker import TASK
from tests.support.factories import Factories
from tests.support.forkserver import Forked
from tests.support.waiting import until
from tests.support.worker import Readback, quick, spawn, statuses

WORKER = "tests.support.counting_worker"


@pytest.fixture
async def effects(readback: Readback) -> AsyncIterator[None]:
    """Create a table for this test that reveals duplicate effects."""
    await readback("create table probe_effect (owner uuid, n integer)")
    await readback("grant insert on probe_effect to insula_worker")
    yield
    await readback("drop table probe_effect")


class Trial:
    """Jobs of one tenant, and the workers that are killed while they run."""

    def __init__(self, settings: Settings, database: Database, readback: Readback, tenant_id: UUID) -> None:
        self.settings, self.database, self.readback, self.tenant_id = settings, database, readback, tenant_id
        self.queued = 0

    async def queue(self, count: int) -> None:
        """Queue ``count`` more jobs, with consecutive numbers."""
        async with self.database.unit(TENANTS, self.tenant_id) as unit:
            for n in range(self.queued, self.queued + count):
                await enqueue(unit, TASK, {"n": n}, tenant_id=self.tenant_id)
        self.queued += count

    async def numbers(self) -> list[object]:
        """Return the job number of each effect."""
        rows = await self.readback("select n from probe_effect where owner = :id order by n", id=self.tenant_id)
        return [row["n"] for row in rows]

    async def running(self) -> list[object]:
        """Return the jobs that a worker runs, or ran when it was killed."""
        rows = await self.readback(
            "select id from jobs.procrastinate_jobs where tenant_id = :id and status = 'doing'", id=self.tenant_id
        )
        return [row["id"] for row in rows]

    async def interrupted(self, worker: Forked, after: int) -> Sequence[object]:
        """Kill the worker after ``after`` more effects while jobs run; return those jobs."""
        target = len(await self.numbers()) + after

        async def at_work() -> bool:
            return len(await self.numbers()) >= target and bool(await self.running())

        await until(at_work, 30)
        worker.kill()
        worker.wait()
        return await self.running()

    async def recovered(self, jobs: Sequence[object]) -> float:
        """Wait until these jobs have succeeded; return the time in seconds."""
        started = monotonic()

        async def succeeded() -> bool:
            left = await self.readback(
                "select 1 from jobs.procrastinate_jobs where id = any(:ids) and status <> 'succeeded'", ids=jobs
            )
            return not left

        await until(succeeded, 60)
        return monotonic() - started

    async def run(self, kills: int, jobs_each: int, most: int) -> list[float]:
        """Kill ``kills`` workers, each with new jobs, and start the next at once; return each recovery's seconds."""
        worker = spawn(self.settings, WORKER)
        took = []
        try:
            for _ in range(kills):
                await self.queue(jobs_each)
                jobs = await self.interrupted(worker, random.randint(1, most))  # noqa: S311  any moment will do
                worker = spawn(self.settings, WORKER)
                took.append(await self.recovered(jobs))
            await until(self.finished, 120)
        finally:
            worker.terminate()
            worker.wait()
        return took

    async def finished(self) -> bool:
        return await statuses(self.readback, self.tenant_id) == {"succeeded"}


@pytest.mark.usefixtures("effects")
async def test_killed_workers_lose_no_job_and_repeat_no_effect(
    settings: Settings, database: Database, make: Factories, readback: Readback
) -> None:
    tenant = await make.tenant()
    trial = Trial(quick(settings), database, readback, tenant.id)

    took = await trial.run(kills=3, jobs_each=35, most=10)

    assert len(took) == 3
    assert await trial.numbers() == list(range(105))


@pytest.mark.slow
@pytest.mark.usefixtures("effects")
async def test_a_thousand_jobs_survive_twenty_kills(
    settings: Settings,
    database: Database,
    make: Factories,
    readback: Readback,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tenant = await make.tenant()
    trial = Trial(quick(settings, heartbeat_seconds=0.5, stalled_seconds=2.0), database, readback, tenant.id)

    took = await trial.run(kills=20, jobs_each=50, most=20)

    assert await trial.numbers() == list(range(1_000))
    with capsys.disabled():
        print(  # noqa: T201  the figures are what is asked for
            f"\n1,000 jobs, 20 kills: 0 lost, one effect each; recovery after a kill took {median(took):.1f} s "
            f"(median), {max(took):.1f} s (longest), of which 2.0 s are the time until a worker counts as lost"
        )


@pytest.mark.usefixtures("effects")
async def test_a_worker_drains_on_sigterm(
    settings: Settings, database: Database, make: Factories, readback: Readback
) -> None:
    tenant = await make.tenant()
    trial = Trial(quick(settings), database, readback, tenant.id)
    await trial.queue(200)
    worker = spawn(trial.settings, WORKER)

    async def at_work() -> bool:
        return bool(await trial.running())

    await until(at_work, 30)
    worker.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(worker.wait, 20) == 0
    assert await trial.running() == []
    had = await trial.numbers()
    assert len(had) == len(set(had)) > 0
    found = await readback(
        "select count(*) as n from jobs.procrastinate_jobs where tenant_id = :id and status = 'succeeded'", id=tenant.id
    )
    assert found == [{"n": len(had)}]


async def test_a_request_killed_before_its_commit_leaves_no_job(
    database: Database, make: Factories, readback: Readback
) -> None:
    tenant = await make.tenant()
    unit = database.unit(TENANTS, tenant.id)
    assert await enqueue(unit, TASK, {"n": 1}, tenant_id=tenant.id) is not None
    raw = (await (await unit.session.connection()).get_raw_connection()).driver_connection
    assert isinstance(raw, TenantConnection)
    raw.terminate()  # to the server this looks like a killed process
    with pytest.raises(Unavailable):
        await unit.commit()
    with suppress(DBAPIError):
        await unit.close()
    assert await statuses(readback, tenant.id) == set()

    async with database.unit(TENANTS, tenant.id) as unit:
        await enqueue(unit, TASK, {"n": 1}, tenant_id=tenant.id)
    assert await statuses(readback, tenant.id) == {"todo"}
