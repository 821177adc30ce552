"""Staff list background jobs, run them again and cancel them."""

import asyncio
from collections.abc import Mapping
from uuid import UUID

import pytest
from pydantic import JsonValue

from insula.core.ids import new_id
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.jobs import JobContext, enqueue
from tenants.database import TENANTS
from tests.support.factories import Factories
from tests.support.provider import Readback
from tests.support.staff import Caller, Hire, code_of
from tests.support.waiting import until
from tests.support.worker import quick, working

UNKNOWN_JOB = 2**62


async def state_of(readback: Readback, job: int) -> dict[str, object]:
    (row,) = await readback(
        "select status::text, attempts, scheduled_at <= now() as due, abort_requested "
        "from jobs.procrastinate_jobs where id = :id",
        id=job,
    )
    return row


class TestRead:
    async def test_all_staff_find_jobs_of_all_tenants_and_narrow_them(self, hire: Hire, make: Factories) -> None:
        task = f"test.{new_id().hex}"
        tenant = await make.tenant()
        mine = await make.job(tenant, "failed", task_name=task)
        tenantless = await make.job(None, "todo", task_name=task)
        for role in ("superuser", "support", "auditor"):
            staff = await hire(role)
            everything = (await staff.get("/jobs", task=task, sort_by="enqueued_at")).json()
            by_search = (await staff.get("/jobs", search=task[5:20], limit=1)).json()
            failed = (await staff.get("/jobs", task=task, status="failed")).json()
            of_tenant = (await staff.get("/jobs", task=task, tenant_id=str(tenant.id))).json()

            assert [job["id"] for job in everything["items"]] == [mine, tenantless]
            assert (everything["total"], by_search["total"], len(by_search["items"])) == (2, 2, 1)
            assert [job["id"] for job in failed["items"]] == [job["id"] for job in of_tenant["items"]] == [mine]
            assert [job["tenant_id"] for job in everything["items"]] == [str(tenant.id), None]

            at = everything["items"][1]["enqueued_at"]
            later = (await staff.get("/jobs", task=task, enqueued_since=at)).json()
            earlier = (await staff.get("/jobs", task=task, enqueued_until=at)).json()
            assert ([job["id"] for job in later["items"]], later["total"]) == ([tenantless], 1)
            assert ([job["id"] for job in earlier["items"]], earlier["total"]) == ([mine], 1)

    async def test_the_arguments_of_a_job_are_not_shown(
        self, superuser: Caller, make: Factories, database: Database, readback: Readback
    ) -> None:
        tenant = await make.tenant()
        canary = f"canary-{new_id().hex}"
        async with database.unit(TENANTS, tenant.id) as unit:
            job = await enqueue(unit, "mail.send", {"link": canary, "token": canary}, tenant_id=tenant.id)
        assert await readback("select id from jobs.procrastinate_jobs where args::text like :it", it=f"%{canary}%")

        read = await superuser.get(f"/jobs/{job}")
        listed = await superuser.get("/jobs", tenant_id=str(tenant.id))

        assert read.json()["task"] == listed.json()["items"][0]["task"] == "mail.send"
        assert canary not in read.text + listed.text
        await readback("delete from jobs.procrastinate_jobs where id = :id", id=job)

    async def test_a_job_comes_with_its_events(self, superuser: Caller, make: Factories, readback: Readback) -> None:
        job = await make.job()
        for status in ("doing", "failed"):
            await readback(
                "update jobs.procrastinate_jobs set status = cast(:status as jobs.procrastinate_job_status) "
                "where id = :id",
                status=status,
                id=job,
            )

        found = (await superuser.get(f"/jobs/{job}")).json()

        assert (found["id"], found["status"]) == (job, "failed")
        happened = [event["type"] for event in found["events"]]
        assert [what for what in happened if what != "scheduled"] == ["deferred", "started", "failed"]

    @pytest.mark.parametrize(("job", "problem"), [(UNKNOWN_JOB, 404), (2**63, 422), (0, 422), ("x", 422)])
    async def test_an_unknown_job_is_not_found(self, superuser: Caller, job: object, problem: int) -> None:
        assert (await superuser.get(f"/jobs/{job}")).status_code == problem
        assert (await superuser.post(f"/jobs/{job}/retry")).status_code == problem
        assert (await superuser.post(f"/jobs/{job}/cancel")).status_code == problem


class TestRetry:
    @pytest.mark.parametrize("role", ["superuser", "support"])
    async def test_a_failed_job_is_queued_once_by_concurrent_retries(
        self, hire: Hire, make: Factories, readback: Readback, role: str
    ) -> None:
        tenant = await make.tenant()
        job = await make.job(tenant, "failed")
        staff = await hire(role)

        retried = await asyncio.gather(*(staff.post(f"/jobs/{job}/retry") for _ in range(5)))

        assert {answer.status_code for answer in retried} == {202}
        assert retried[0].json()["status"] == "todo"
        assert await state_of(readback, job) == {
            "status": "todo",
            "attempts": 1,
            "due": True,
            "abort_requested": False,
        }
        acts = await readback(
            "select action, actor_id, tenant_id from audit_event where object_type = 'job' and object_id = :id "
            "order by sequence",
            id=str(job),
        )
        assert acts[0] == {"action": "job.retried", "actor_id": staff.user.id, "tenant_id": tenant.id}
        assert (await staff.post(f"/jobs/{job}/cancel")).status_code == 202

    async def test_a_worker_runs_the_retried_job(
        self, superuser: Caller, make: Factories, settings: Settings, readback: Readback
    ) -> None:
        tenant, task = await make.tenant(), f"test.{new_id().hex}"
        job = await make.job(tenant, "failed", task_name=task)
        ran: list[tuple[UUID | None, int]] = []

        async def note(context: JobContext, _arguments: Mapping[str, JsonValue]) -> None:
            ran.append((context.tenant_id, context.job_id))

        assert (await superuser.post(f"/jobs/{job}/retry")).status_code == 202

        async def done() -> bool:
            return (await state_of(readback, job))["status"] == "succeeded"

        async with working(quick(settings), {task: note}):
            await until(done, seconds=10)
        assert ran == [(tenant.id, job)]

    async def test_a_retried_waiting_job_is_due_at_once(
        self, superuser: Caller, make: Factories, readback: Readback
    ) -> None:
        job = await make.job()
        assert (await state_of(readback, job))["due"] is False

        assert (await superuser.post(f"/jobs/{job}/retry")).status_code == 202

        assert await state_of(readback, job) == {
            "status": "todo",
            "attempts": 0,
            "due": True,
            "abort_requested": False,
        }
        assert (await superuser.post(f"/jobs/{job}/cancel")).status_code == 202

    @pytest.mark.parametrize("status", ["doing", "succeeded", "cancelled", "aborted"])
    async def test_a_running_or_finished_job_does_not_change(
        self, superuser: Caller, make: Factories, readback: Readback, status: str
    ) -> None:
        job = await make.job(status=status)

        assert code_of(await superuser.post(f"/jobs/{job}/retry")) == (409, "job_settled")

        assert (await state_of(readback, job))["status"] == status

    async def test_a_job_whose_queueing_lock_is_taken_is_refused(
        self, superuser: Caller, make: Factories, readback: Readback
    ) -> None:
        lock = f":{new_id().hex}"
        failed = await make.job(status="failed", queueing_lock=lock)
        waiting = await make.job(queueing_lock=lock)

        assert code_of(await superuser.post(f"/jobs/{failed}/retry")) == (409, "job_queued_again")

        assert [(await state_of(readback, job))["status"] for job in (failed, waiting)] == ["failed", "todo"]

    async def test_an_auditor_changes_nothing(self, hire: Hire, make: Factories, readback: Readback) -> None:
        job, auditor = await make.job(), await hire("auditor")

        for verb in ("retry", "cancel"):
            assert code_of(await auditor.post(f"/jobs/{job}/{verb}")) == (403, "forbidden")

        assert (await state_of(readback, job))["due"] is False


class TestCancel:
    async def test_a_waiting_job_is_cancelled(self, superuser: Caller, make: Factories, readback: Readback) -> None:
        job = await make.job()

        cancelled = await superuser.post(f"/jobs/{job}/cancel")

        assert (cancelled.status_code, cancelled.json()["status"]) == (202, "cancelled")
        assert code_of(await superuser.post(f"/jobs/{job}/cancel")) == (409, "job_settled")
        acts = await readback(
            "select action from audit_event where object_id = :id and object_type = 'job'", id=str(job)
        )
        assert acts == [{"action": "job.cancelled"}]

    async def test_a_running_job_is_asked_to_abort(
        self, superuser: Caller, make: Factories, readback: Readback
    ) -> None:
        job = await make.job(status="doing")

        running_cancelled = await superuser.post(f"/jobs/{job}/cancel")

        assert (
            running_cancelled.status_code,
            running_cancelled.json()["status"],
            running_cancelled.json()["abort_requested"],
        ) == (202, "doing", True)
        assert (await state_of(readback, job))["abort_requested"] is True
