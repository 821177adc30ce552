"""The queue's metrics, as served by the web process."""

from datetime import timedelta

import httpx
import pytest

from insula.core import clock
from insula.core.ids import new_id
from insula.db.engine.pools import Database
from insula.jobs import enqueue
from tenants.database import TENANTS
from tests.support.factories import Factories
from tests.support.worker import Readback


async def test_metrics_show_the_number_and_age_of_waiting_jobs(
    client: httpx.AsyncClient, database: Database, make: Factories, readback: Readback
) -> None:
    tenant, queue = await make.tenant(), f"q-{new_id().hex}"
    async with database.unit(TENANTS, tenant.id) as unit:
        number = await enqueue(unit, "demo.task", {}, tenant_id=tenant.id, queue=queue)
        await enqueue(unit, "demo.task", {}, tenant_id=tenant.id, queue=queue)
        await enqueue(
            unit, "demo.task", {}, tenant_id=tenant.id, queue=queue, scheduled_at=clock.now() + timedelta(hours=1)
        )
    await readback(
        "update jobs.procrastinate_jobs set enqueued_at = now() - interval '90 seconds' where id = :id", id=number
    )

    with clock.moved(timedelta(minutes=1)):  # so that no cached value is used
        text = (await client.get("/metrics")).text

    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if queue in line)
    assert values[f'insula_jobs{{queue="{queue}",status="todo"}}'] == "3.0"
    assert float(values[f'insula_jobs_oldest_seconds{{queue="{queue}"}}']) == pytest.approx(90, abs=30)
    assert str(tenant.id) not in text
