"""Fault 20: a job without a tenant, or with another tenant's ids, fails without effect."""

from collections.abc import Mapping
from uuid import UUID

import pytest
from pydantic import JsonValue
from sqlalchemy.exc import DBAPIError

from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.engine.roles import IDENTITY
from insula.db.models import JobEffect
from insula.jobs import JobContext, enqueue
from tenants.database import TENANTS
from tests.support.factories import Factories
from tests.support.waiting import until
from tests.support.worker import Readback, job, quick, working

TASK = "probe.mark"


async def mark(context: JobContext, arguments: Mapping[str, JsonValue]) -> None:
    """Insert a row for the tenant in the arguments, as a careless task would."""
    async with context.unit() as unit:
        unit.session.add(JobEffect(tenant_id=UUID(str(arguments["tenant"])), key=f"mark:{context.job_id}"))


async def marks(readback: Readback, tenant_id: UUID) -> int:
    return len(await readback("select 1 from job_effect where tenant_id = :id and key like 'mark:%'", id=tenant_id))


async def ended(readback: Readback, number: int | None) -> object:
    async def has_ended() -> bool:
        return (await job(readback, number))["status"] not in ("todo", "doing")

    await until(has_ended)
    return (await job(readback, number))["status"]


async def test_a_job_with_anothers_id_fails_without_effect(
    settings: Settings, database: Database, make: Factories, readback: Readback
) -> None:
    mine, other = await make.tenant(), await make.tenant()
    async with database.unit(TENANTS, mine.id) as unit:
        foreign = await enqueue(unit, TASK, {"tenant": str(other.id)}, tenant_id=mine.id)
        own = await enqueue(unit, TASK, {"tenant": str(mine.id)}, tenant_id=mine.id)
    async with working(quick(settings, max_attempts=2), {TASK: mark}):
        assert await ended(readback, foreign) == "failed"
        assert await ended(readback, own) == "succeeded"
    assert (await marks(readback, other.id), await marks(readback, mine.id)) == (0, 1)


async def test_a_job_without_a_tenant_is_not_run(
    settings: Settings, database: Database, make: Factories, readback: Readback
) -> None:
    tenant = await make.tenant()
    with pytest.raises(DBAPIError, match="needs a tenant"):
        async with database.unit(IDENTITY) as unit:
            await enqueue(unit, TASK, {"tenant": str(tenant.id)}, tenant_id=None)

    # If one was inserted by hand nevertheless, the worker refuses it.
    (row,) = await readback(
        "insert into jobs.procrastinate_jobs (queue_name, task_name, args) values ('default', cast(:task as text),"
        " jsonb_build_object('arguments', jsonb_build_object('tenant', cast(:id as text)))) returning id",
        task=TASK,
        id=str(tenant.id),
    )
    number = row["id"]
    assert isinstance(number, int)
    async with database.unit(TENANTS, tenant.id) as unit:
        own = await enqueue(unit, TASK, {"tenant": str(tenant.id)}, tenant_id=tenant.id)
    begun: list[int] = []

    async def noted(context: JobContext, arguments: Mapping[str, JsonValue]) -> None:
        begun.append(context.job_id)
        await mark(context, arguments)

    async with working(quick(settings), {TASK: noted}):
        assert await ended(readback, number) == "failed"
        assert await ended(readback, own) == "succeeded"
    assert begun == [own]  # the other was not even started; row-level security alone would only have stopped its effect
    assert await marks(readback, tenant.id) == 1
