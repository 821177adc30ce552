"""A job exists if, and only if, its transaction commits, and only for the transaction's tenant."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from admin.database import ADMIN
from insula.core import clock
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.engine.roles import IDENTITY, WORKER, DatabaseRole
from insula.jobs import enqueue
from tenants.database import TENANTS
from tests.support.apps import DECLARED
from tests.support.factories import Factories
from tests.support.sql import changed, rows
from tests.support.worker import Readback, job, statuses


class Refusal(Exception):
    """Ends a request with an error."""


async def put(database: Database, tenant_id: UUID, queueing_lock: str | None = None) -> int | None:
    async with database.unit(TENANTS, tenant_id) as unit:
        return await enqueue(unit, "demo.task", {"n": 1}, tenant_id=tenant_id, queueing_lock=queueing_lock)


async def fail_after_enqueueing(database: Database, tenant_id: UUID) -> None:
    async with database.unit(TENANTS, tenant_id) as unit:
        assert await enqueue(unit, "demo.task", {}, tenant_id=tenant_id) is not None
        raise Refusal


async def test_a_job_exists_once_the_change_is_committed(
    database: Database, make: Factories, readback: Readback
) -> None:
    tenant = await make.tenant()
    async with database.unit(TENANTS, tenant.id) as unit:
        number = await enqueue(unit, "demo.task", {"n": [1, "ß", None]}, tenant_id=tenant.id)
        assert await statuses(readback, tenant.id) == set()
    found = await job(readback, number)
    assert found["args"] == {"tenant_id": str(tenant.id), "arguments": {"n": [1, "ß", None]}}
    assert (found["status"], found["tenant_id"]) == ("todo", tenant.id)


async def test_a_job_is_rolled_back_with_the_change(database: Database, make: Factories, readback: Readback) -> None:
    tenant = await make.tenant()
    with pytest.raises(Refusal):
        await fail_after_enqueueing(database, tenant.id)
    assert await statuses(readback, tenant.id) == set()


async def test_a_job_is_queued_with_its_options(database: Database, make: Factories, readback: Readback) -> None:
    tenant, later = await make.tenant(), clock.now() + timedelta(hours=1)
    async with database.unit(TENANTS, tenant.id) as unit:
        await enqueue(
            unit, "demo.task", {}, tenant_id=tenant.id, scheduled_at=later, priority=7, queue="slow", lock="mine"
        )
    (found,) = await readback(
        "select scheduled_at, priority, queue_name, lock from jobs.procrastinate_jobs where tenant_id = :id",
        id=tenant.id,
    )
    expected = {"scheduled_at": later, "priority": 7, "queue_name": "slow", "lock": f"{tenant.id}:mine"}
    assert found == expected


async def test_a_second_job_of_a_queueing_lock_is_not_queued_and_the_transaction_continues(
    database: Database, make: Factories, readback: Readback
) -> None:
    tenant, other = await make.tenant(), await make.tenant()
    async with database.unit(TENANTS, tenant.id) as unit:
        first = await enqueue(unit, "demo.task", {}, tenant_id=tenant.id, queueing_lock="report")
        second = await enqueue(unit, "demo.task", {}, tenant_id=tenant.id, queueing_lock="report")
        await changed(unit, "update tenant set name = 'Changed' where id = :id", id=tenant.id)
    assert first is not None
    assert second is None
    assert await readback("select name from tenant where id = :id", id=tenant.id) == [{"name": "Changed"}]
    assert await put(database, other.id, queueing_lock="report") is not None  # locks are per tenant


async def test_a_race_for_a_queueing_lock_leaves_one_job(
    database: Database, make: Factories, readback: Readback
) -> None:
    tenant = await make.tenant()
    numbers = await asyncio.gather(*(put(database, tenant.id, queueing_lock="report") for _ in range(8)))
    assert sum(number is not None for number in numbers) == 1
    assert len(await readback("select 1 from jobs.procrastinate_jobs where tenant_id = :id", id=tenant.id)) == 1


REFUSED = "needs a tenant|tenant of its transaction|row-level security"


@pytest.mark.parametrize("role", [*DECLARED.app_roles, WORKER])
async def test_a_job_for_another_tenant_is_refused(
    settings: Settings, make: Factories, readback: Readback, role: DatabaseRole
) -> None:
    mine, other = await make.tenant(), await make.tenant()
    own = await Database.open(settings, [role])
    for acting in (mine.id, None):
        with pytest.raises(DBAPIError, match=REFUSED):
            async with own.unit(role, acting) as unit:
                await enqueue(unit, "demo.task", {}, tenant_id=other.id)
    async with own.unit(role, other.id) as unit:
        assert await enqueue(unit, "demo.task", {}, tenant_id=other.id) is not None
    await own.close()
    assert len(await readback("select 1 from jobs.procrastinate_jobs where tenant_id = :id", id=other.id)) == 1


@pytest.mark.parametrize(
    ("role", "task"),
    [
        *((role, "mail.send") for role in DECLARED.app_roles if "mail.send" not in DECLARED.tenantless.get(role, ())),
        (IDENTITY, "house.tidy"),
        (ADMIN, "demo.task"),
    ],
)
async def test_a_job_without_a_tenant_is_refused_unless_declared(
    database: Database, readback: Readback, role: DatabaseRole, task: str
) -> None:
    with pytest.raises(DBAPIError, match=REFUSED):
        async with database.unit(role) as unit:
            await enqueue(unit, task, {}, tenant_id=None)
    async with database.unit(IDENTITY) as unit:
        number = await enqueue(unit, "mail.send", {}, tenant_id=None, scheduled_at=clock.now() + timedelta(days=1))
    assert (await job(readback, number))["tenant_id"] is None


async def test_an_invalid_tenant_id_is_refused(database: Database, make: Factories) -> None:
    tenant = await make.tenant()
    statement = (
        "insert into jobs.procrastinate_jobs (queue_name, task_name, args)"
        " values ('default', 'demo.task', jsonb_build_object('tenant_id', cast(:tenant as text)))"
    )
    for nonsense in ("x", str(tenant.id).upper(), ""):
        with pytest.raises(DBAPIError):
            async with database.unit(TENANTS, tenant.id) as unit:
                await changed(unit, statement, tenant=nonsense)
    async with database.unit(TENANTS, tenant.id) as unit:
        assert await changed(unit, statement, tenant=str(tenant.id)) == 1


async def test_another_tenants_lock_is_refused(database: Database, make: Factories) -> None:
    mine, other = await make.tenant(), await make.tenant()
    statement = (
        "insert into jobs.procrastinate_jobs (queue_name, task_name, args, queueing_lock)"
        " values ('default', 'demo.task', jsonb_build_object('tenant_id', cast(:tenant as text)), :lock)"
    )
    with pytest.raises(DBAPIError, match="a lock starts with its tenant"):
        async with database.unit(TENANTS, mine.id) as unit:
            await changed(unit, statement, tenant=str(mine.id), lock=f"{other.id}:report")
    async with database.unit(TENANTS, mine.id) as unit:
        assert await changed(unit, statement, tenant=str(mine.id), lock=f"{mine.id}:report") == 1


async def test_an_app_sees_its_tenants_jobs_numbers_and_nothing_else(database: Database, make: Factories) -> None:
    mine, other = await make.tenant(), await make.tenant()
    number, _ = await put(database, mine.id), await put(database, other.id)
    async with database.unit(TENANTS, mine.id) as unit:
        assert [row.id for row in await rows(unit, "select id from jobs.procrastinate_jobs")] == [number]
    for statement in (
        "select args from jobs.procrastinate_jobs",
        "update jobs.procrastinate_jobs set priority = 1",
        "delete from jobs.procrastinate_jobs",
        "select * from jobs.procrastinate_events",
        "select jobs.procrastinate_fetch_job_v2(null, 1)",
    ):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with database.unit(TENANTS, mine.id) as unit:
                await rows(unit, statement)


async def test_staff_see_jobs_but_not_their_arguments(database: Database, make: Factories) -> None:
    tenant = await make.tenant()
    number = await put(database, tenant.id)
    async with database.unit(ADMIN) as unit:
        found = await rows(unit, "select task_name from jobs.procrastinate_jobs where id = :id", id=number)
        assert [row.task_name for row in found] == ["demo.task"]
        await rows(unit, "select jobs.procrastinate_cancel_job_v1(:id, false, false)", id=number)
    with pytest.raises(DBAPIError, match="permission denied"):
        async with database.unit(ADMIN) as unit:
            await rows(unit, "select args from jobs.procrastinate_jobs")
