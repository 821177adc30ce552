"""A worker runs a job with access to its tenant only, retries it when it fails, and gives up in the end."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue
from structlog.testing import capture_logs

from insula.core.errors import NotFound
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.jobs import JobContext, Periodic, effect_once, enqueue
from tenants.database import TENANTS
from tests.support.factories import Factories, TenantRow
from tests.support.sql import changed, rows
from tests.support.waiting import until
from tests.support.worker import Readback, job, quick, working


@dataclass
class Probe:
    """A task for tests, which fails or waits as configured and remembers its contexts."""

    failures: int = 0
    error: type[Exception] = RuntimeError
    seen: list[JobContext] = field(default_factory=list)
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    leave: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, context: JobContext, _arguments: Mapping[str, JsonValue]) -> None:
        self.seen.append(context)
        if len(self.seen) <= self.failures:
            raise self.error

    async def wait(self, _context: JobContext, _arguments: Mapping[str, JsonValue]) -> None:
        self.entered.set()
        await self.leave.wait()


async def put(
    database: Database, tenant: TenantRow, task: str, arguments: Mapping[str, JsonValue] | None = None
) -> int | None:
    async with database.unit(TENANTS, tenant.id) as unit:
        return await enqueue(unit, task, arguments or {}, tenant_id=tenant.id)


async def ended(readback: Readback, number: int | None, status: str) -> None:
    async def has_ended() -> bool:
        return (await job(readback, number))["status"] == status

    await until(has_ended)


async def test_a_job_sees_only_its_tenant(
    settings: Settings, database: Database, make: Factories, readback: Readback
) -> None:
    mine, other = await make.tenant(), await make.tenant()
    seen: list[object] = []

    async def look(context: JobContext, _arguments: Mapping[str, JsonValue]) -> None:
        async with context.unit() as unit:
            seen.extend(row.id for row in await rows(unit, "select id from tenant"))
            assert await effect_once(unit, "look")
            assert await changed(unit, "delete from job_effect where tenant_id = :id and key = 'x'", id=other.id) == 0

    number = await put(database, mine, "probe.look")
    async with working(quick(settings), {"probe.look": look}):
        await ended(readback, number, "succeeded")
    assert seen == [mine.id]
    effects = await readback("select tenant_id from job_effect where key = 'look' and tenant_id = :id", id=mine.id)
    assert len(effects) == 1


async def test_the_arguments_of_a_finished_job_are_deleted_and_those_of_a_waiting_one_kept(
    settings: Settings, database: Database, make: Factories, readback: Readback
) -> None:
    tenant, probe = await make.tenant(), Probe()
    waiting = await put(database, tenant, "probe.later", {"token": "secret"})
    done = await put(database, tenant, "probe", {"token": "secret"})
    async with working(quick(settings), {"probe": probe.run}):
        await ended(readback, done, "succeeded")
    [kept] = await readback("SELECT args FROM jobs.procrastinate_jobs WHERE id = :id", id=waiting)
    [forgotten] = await readback("SELECT args FROM jobs.procrastinate_jobs WHERE id = :id", id=done)
    assert "secret" in str(kept["args"])
    assert "secret" not in str(forgotten["args"])
    assert str(tenant.id) in str(forgotten["args"])


async def test_a_failed_job_is_retried(
    settings: Settings, database: Database, make: Factories, readback: Readback
) -> None:
    probe = Probe(failures=2)
    number = await put(database, await make.tenant(), "probe.fail")
    async with working(quick(settings), {"probe.fail": probe.run}):
        await ended(readback, number, "succeeded")
    assert [context.attempt for context in probe.seen] == [1, 2, 3]


async def test_a_job_that_never_succeeds_fails_in_the_end(
    settings: Settings, database: Database, make: Factories, readback: Readback
) -> None:
    probe = Probe(failures=99)
    number = await put(database, await make.tenant(), "probe.fail", {"n": 1})
    async with working(quick(settings, max_attempts=3), {"probe.fail": probe.run}):
        await ended(readback, number, "failed")
    assert len(probe.seen) == 3
    assert (await job(readback, number))["args"]["arguments"] == {"n": 1}  # type: ignore[index]  # JSON, kept for staff


async def test_a_permanent_failure_is_not_retried(
    settings: Settings, database: Database, make: Factories, readback: Readback
) -> None:
    probe = Probe(failures=99, error=NotFound)
    number = await put(database, await make.tenant(), "probe.fail")
    async with working(quick(settings), {"probe.fail": probe.run}):
        await ended(readback, number, "failed")
    assert len(probe.seen) == 1


async def test_an_unknown_task_fails_without_stopping_others(
    settings: Settings, database: Database, make: Factories, readback: Readback
) -> None:
    tenant, probe = await make.tenant(), Probe()
    unknown, known = await put(database, tenant, "probe.unknown"), await put(database, tenant, "probe.known")
    async with working(quick(settings), {"probe.known": probe.run}):
        await ended(readback, unknown, "failed")
        await ended(readback, known, "succeeded")


async def test_a_tenant_suspended_meanwhile_ends_its_jobs_without_effect(
    settings: Settings, database: Database, make: Factories, readback: Readback
) -> None:
    tenant, active, probe = await make.tenant(), await make.tenant(), Probe()
    numbers = [await put(database, tenant, "probe.run"), await put(database, active, "probe.run")]
    await readback("update tenant set status = 'suspended' where id = :id", id=tenant.id)
    async with working(quick(settings), {"probe.run": probe.run}):
        await ended(readback, numbers[0], "aborted")
        await ended(readback, numbers[1], "succeeded")
    assert [context.tenant_id for context in probe.seen] == [active.id]


async def test_an_effect_happens_once_however_often_the_job_runs(
    settings: Settings, database: Database, make: Factories, readback: Readback
) -> None:
    tenant = await make.tenant()
    turns: list[bool] = []

    async def twice(context: JobContext, _arguments: Mapping[str, JsonValue]) -> None:
        async with context.unit() as unit:
            turns.append(await effect_once(unit, f"twice:{context.job_id}"))
        if len(turns) == 1:
            raise RuntimeError

    number = await put(database, tenant, "probe.twice")
    async with working(quick(settings), {"probe.twice": twice}):
        await ended(readback, number, "succeeded")
    assert turns == [True, False]


async def test_a_job_that_ended_elsewhere_while_it_ran_is_logged_and_nothing_fails(
    settings: Settings, database: Database, make: Factories, readback: Readback
) -> None:
    """It ran again on another worker, because this one sent no heartbeats for a while."""
    held, starts = asyncio.Event(), asyncio.Event()

    async def hold(_context: JobContext, _arguments: Mapping[str, JsonValue]) -> None:
        starts.set()
        await held.wait()

    tenant, probe = await make.tenant(), Probe()
    number = await put(database, tenant, "probe.hold")
    async with working(quick(settings), {"probe.hold": hold, "probe": probe.run}):
        await asyncio.wait_for(starts.wait(), 10)
        await readback("SELECT jobs.procrastinate_finish_job_v1(:id, 'succeeded', false)", id=number)
        with capture_logs() as logged:
            held.set()
            await until(lambda: any(found["event"] == "job had ended already" for found in logged), 10)
        await ended(readback, await put(database, tenant, "probe"), "succeeded")
    assert (await job(readback, number))["status"] == "succeeded"


async def test_a_stopping_worker_finishes_its_running_jobs(
    settings: Settings, database: Database, make: Factories, readback: Readback
) -> None:
    tenant, probe = await make.tenant(), Probe()
    running = await put(database, tenant, "probe.wait")
    async with working(quick(settings, concurrency=1), {"probe.wait": probe.wait}):
        await asyncio.wait_for(probe.entered.wait(), 5)
        waiting = await put(database, tenant, "probe.wait")
        asyncio.get_running_loop().call_later(0.3, probe.leave.set)
    assert (await job(readback, running))["status"] == "succeeded"
    assert (await job(readback, waiting))["status"] == "todo"


async def test_a_job_that_runs_longer_than_the_drain_is_queued_again(
    settings: Settings, database: Database, make: Factories, readback: Readback
) -> None:
    probe = Probe()
    number = await put(database, await make.tenant(), "probe.wait")
    async with working(quick(settings, drain_seconds=0.1), {"probe.wait": probe.wait}):
        await asyncio.wait_for(probe.entered.wait(), 5)
    assert (await job(readback, number))["status"] == "todo"


async def test_a_scheduled_task_runs_once_for_all_workers(settings: Settings, readback: Readback) -> None:
    probe = Probe()
    handlers = {"house.tidy": probe.run}
    every_second = [Periodic("house.tidy", "* * * * * *")]
    async with working(quick(settings), handlers, every_second), working(quick(settings), handlers, every_second):
        await until(lambda: len(probe.seen) >= 2, 10)
    found = await readback(
        "select defer_timestamp, count(*) as n from jobs.procrastinate_periodic_defers"
        " where task_name = 'house.tidy' group by 1 having count(*) > 1"
    )
    assert found == []


async def test_a_worker_continues_after_losing_its_connections(
    settings: Settings, database: Database, make: Factories, readback: Readback
) -> None:
    tenant, probe = await make.tenant(), Probe()
    async with working(quick(settings), {"probe.run": probe.run}):
        await ended(readback, await put(database, tenant, "probe.run"), "succeeded")
        await readback(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where usename = 'insula_worker' and datname = current_database()"
        )
        await ended(readback, await put(database, tenant, "probe.run"), "succeeded")
    assert len(probe.seen) == 2
