"""Expired rows are deleted, and others are kept."""

from datetime import timedelta

from insula.core import clock
from insula.core.ids import new_id
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.models import IdempotencyRecord, JobEffect
from insula.jobs import Periodic, enqueue
from insula.worker.housekeeping import JOBS
from tenants.database import TENANTS
from tests.support.factories import Factories
from tests.support.waiting import until
from tests.support.worker import Readback, quick, working


def answer(age: timedelta) -> IdempotencyRecord:
    return IdempotencyRecord(
        tenant_id=new_id(),
        principal_id=new_id(),
        route="POST /x",
        key="k",
        request_hash=b"",
        status=201,
        headers={},
        body=b"",
        created_at=clock.now() - age,
    )


async def test_old_idempotency_records_effects_and_jobs_are_deleted_and_new_ones_kept(
    settings: Settings, database: Database, make: Factories, readback: Readback
) -> None:
    tenant = await make.tenant()
    old, young = answer(timedelta(hours=25)), answer(timedelta(hours=23))
    long_ago, lately = clock.now() - timedelta(days=61), clock.now() - timedelta(days=59)
    effects = [
        JobEffect(tenant_id=tenant.id, key=key, created_at=at) for key, at in (("old", long_ago), ("new", lately))
    ]
    await make.insert(old, young, *effects)
    async with database.unit(TENANTS, tenant.id) as unit:
        numbers = [await enqueue(unit, "probe.none", {}, tenant_id=tenant.id) for _ in range(4)]
    for number, status, days in zip(
        numbers, ("succeeded", "succeeded", "failed", "failed"), (2, 0, 31, 2), strict=True
    ):
        await readback(
            "update jobs.procrastinate_jobs set status = cast(cast(:status as text) as jobs.procrastinate_job_status),"
            " enqueued_at = now() - make_interval(days => :days) where id = :id",
            id=number,
            status=status,
            days=days,
        )

    async with working(quick(settings), JOBS, [Periodic("house.tidy", "* * * * * *")]):
        await until(lambda: _gone(readback, old))

    assert len(await readback("select 1 from idempotency_record where tenant_id = :id", id=young.tenant_id)) == 1
    kept = await readback("select key from job_effect where tenant_id = :id", id=tenant.id)
    assert kept == [{"key": "new"}]
    left = await readback("select id from jobs.procrastinate_jobs where tenant_id = :id order by id", id=tenant.id)
    assert [row["id"] for row in left] == [numbers[1], numbers[3]]


async def _gone(readback: Readback, record: IdempotencyRecord) -> bool:
    rows = await readback("select 1 from idempotency_record where tenant_id = :id", id=record.tenant_id)
    effects = await readback("select 1 from job_effect where key = 'old'")
    jobs = await readback(
        "select 1 from jobs.procrastinate_jobs where enqueued_at < now() - interval '30 days' and status = 'failed'"
    )
    return not (rows or effects or jobs)
