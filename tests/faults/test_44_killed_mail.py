"""Fault 44: a worker is killed before it claims, sends or marks an email: at most two copies are sent."""

from collections.abc import Sequence

from insula.core.settings import Settings
from insula.db.engine.pools import Database
from tests.mail.test_delivery import mark_waits, marks_blocked, post
from tests.support.factories import Factories
from tests.support.forkserver import Forked
from tests.support.mail import Sink
from tests.support.waiting import until
from tests.support.worker import Readback, quick, spawn


async def killed(worker: Forked, settings: Settings, sink: Sink, readback: Readback, marked: str, *others: str) -> None:
    """Kill the worker once one email is answered but not marked, and the others wait."""
    await until(lambda: {marked, *others} <= set(sink.held))
    async with marks_blocked(settings):
        del sink.holds[marked]
        await until(lambda: mark_waits(readback))
        worker.kill()
        worker.wait()
    sink.held.clear()


async def outcomes(readback: Readback, tenant_id: object) -> Sequence[object]:
    rows = await readback(
        "select status::text from jobs.procrastinate_jobs where tenant_id = :id order by id", id=tenant_id
    )
    return [row["status"] for row in rows]


async def test_two_workers_killed_with_the_same_emails_repeat_each_at_most_once(
    settings: Settings, database: Database, make: Factories, sink: Sink, readback: Readback
) -> None:
    tenant = await make.tenant()
    addresses = [await post(database, tenant.id, str(n)) for n in range(5)]
    unsent, unanswered, unmarked, unanswered_once, _undisturbed = addresses
    sink.holds |= {unsent: "RCPT", unanswered: "DATA", unmarked: "DATA", unanswered_once: "DATA"}
    quickly = quick(sink.settings(settings))

    worker = spawn(quickly)
    await until(lambda: _has_succeeded(readback, tenant.id, 4))
    await killed(worker, settings, sink, readback, unmarked, unsent, unanswered, unanswered_once)
    del sink.holds[unanswered_once]
    sink.holds[unmarked] = "DATA"
    worker = spawn(quickly)
    await until(lambda: _has_succeeded(readback, tenant.id, 3))
    await killed(worker, settings, sink, readback, unmarked, unsent, unanswered)
    sink.holds.clear()
    worker = spawn(quickly)
    try:
        expected = ["succeeded", "failed", "failed", "succeeded", "succeeded"]
        await until(lambda: _are(readback, tenant.id, expected))
    finally:
        worker.terminate()
        worker.wait()
    copies = [sink.to(address) for address in addresses]
    assert [len(of_one) for of_one in copies] == [1, 2, 2, 2, 1]
    assert len({message["Message-ID"] for of_one in copies for message in of_one}) == len(addresses)


async def _are(readback: Readback, tenant_id: object, expected: Sequence[object]) -> bool:
    return await outcomes(readback, tenant_id) == expected


async def _has_succeeded(readback: Readback, tenant_id: object, number: int) -> bool:
    return (await outcomes(readback, tenant_id))[number] == "succeeded"
