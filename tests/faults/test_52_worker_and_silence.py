"""Fault 52: a worker takes jobs again soon after PostgreSQL was silent; jobs that ran meanwhile can still end."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from time import monotonic

import psycopg
import pytest
from procrastinate.exceptions import ConnectorException
from pydantic import JsonValue

from insula.core.ids import new_id
from insula.core.settings import Settings
from insula.db.engine.deadlines import GRACE
from insula.db.engine.pools import Database
from insula.jobs import JobContext, enqueue
from insula.worker.queue import connector
from tenants.database import TENANTS
from tests.support.factories import Factories
from tests.support.faulty import Fault, Faulty, faulty
from tests.support.sql import rows
from tests.support.waiting import until
from tests.support.worker import Readback, quick, working

RECOVERS_WITHIN, IN_FLIGHT = 2.0, 2.0
AGAIN = 0.5
STATEMENT, LATE = 0.5, 1.0
STRIKES: Mapping[str, Callable[[Faulty], None]] = {
    "everything swallowed": lambda proxy: proxy.strike(Fault.SWALLOW),
    "open connections swallowed": lambda proxy: proxy.strike(Fault.SWALLOW, open_only=True),
    "refused": lambda proxy: proxy.strike(Fault.REFUSE),
}


@pytest.fixture
def proxy(settings: Settings) -> Iterator[Faulty]:
    with faulty(settings.database_url) as running:
        yield running


def noticed(proxy: Faulty, newest: int) -> bool:
    """Tell whether the worker has noticed that its connections are dead: it has new ones or none."""
    return all(wire.number > newest for wire in proxy.wires()) or any(wire.number > newest for wire in proxy.wires())


async def written_down(readback: Readback) -> bool:
    """Tell whether the queue records the end of each job that ran."""
    return not await readback(
        "select id from jobs.procrastinate_jobs where task_name = 'test.run' and status in ('todo', 'doing')"
    )


class Notes:
    """Queues jobs without the proxy, and records those that have run."""

    def __init__(self, database: Database, make: Factories) -> None:
        self.database, self.make = database, make
        self.ran: list[JsonValue] = []
        self.held = asyncio.Event()

    async def run(self, context: JobContext, arguments: Mapping[str, JsonValue]) -> None:
        """Query the database, then note that the job ran."""
        async with context.unit() as unit:
            await rows(unit, "select id from tenant")
        self.ran.append(arguments["name"])

    async def hold(self, _context: JobContext, _arguments: Mapping[str, JsonValue]) -> None:
        """Run until the test ends."""
        await self.held.wait()

    async def queue(self, task: str = "test.run") -> str:
        """Queue a job; return its name."""
        tenant, name = await self.make.tenant(), str(new_id())
        async with self.database.unit(TENANTS, tenant.id) as unit:
            await enqueue(unit, task, {"name": name}, tenant_id=tenant.id)
        return name

    async def done(self, seconds: float) -> None:
        """Queue a job and wait until it has run."""
        name = await self.queue()
        await until(lambda: name in self.ran, seconds)


@pytest.mark.parametrize("fault", [*STRIKES])
async def test_jobs_run_again_soon_after_a_silence_beside_a_running_one(
    settings: Settings, database: Database, make: Factories, proxy: Faulty, readback: Readback, fault: str
) -> None:
    notes = Notes(database, make)
    limits = {"pool_timeout": 0.5, "statement_timeout": 1.0, "worker_statement_timeout": 1.0}
    database_settings = settings.database.model_copy(update=limits)
    changed = {"database_url": proxy.url(settings.database_url), "database": database_settings}
    through = quick(settings.model_copy(update=changed))
    async with working(through, {"test.run": notes.run, "test.hold": notes.hold}):
        await notes.queue("test.hold")
        await notes.done(seconds=10)
        await until(lambda: written_down(readback), seconds=10)

        newest = max(wire.number for wire in proxy.wires())
        STRIKES[fault](proxy)
        await until(lambda: noticed(proxy, newest), seconds=15)
        proxy.heal()
        await notes.done(RECOVERS_WITHIN + IN_FLIGHT)
        await until(lambda: written_down(readback), seconds=10)
        notes.held.set()


async def test_waiting_for_the_queue_ends_with_the_statement_timeout(settings: Settings, proxy: Faulty) -> None:
    database = settings.database.model_copy(update={"statement_timeout": STATEMENT})
    through = {"database_url": proxy.url(settings.database_url), "database": database}
    connections = connector(settings.model_copy(update=through))
    await connections.open_async()
    try:
        async with connections.pool.connection() as connection:
            await connection.set_autocommit(True)
            assert await (await connection.execute("SELECT 1")).fetchone() == (1,)
            proxy.strike(Fault.SWALLOW, open_only=True)
            asking = asyncio.create_task(connection.execute("SELECT 1"))
            began = monotonic()
            await asyncio.wait({asking}, timeout=STATEMENT + GRACE + LATE)
            ended = monotonic()
            connection.pgconn.finish()  # so that the test ends where the wait does not
            assert asking.done()
            with pytest.raises(psycopg.OperationalError):
                await asking
            assert STATEMENT < ended - began < STATEMENT + GRACE + LATE
    finally:
        proxy.heal()
        await connections.close_async()


async def test_a_waiter_for_the_queue_gets_a_connection_when_one_can_be_made(settings: Settings, proxy: Faulty) -> None:
    connections = connector(settings.model_copy(update={"database_url": proxy.url(settings.database_url)}))
    await connections.open_async()
    try:
        proxy.strike(Fault.REFUSE)
        asking = asyncio.create_task(connections.execute_query_one_async("SELECT 1 AS one"))
        await asyncio.wait({asking}, timeout=AGAIN / 2)
        assert not asking.done(), "no connection can be made yet"
        proxy.heal()
        began = monotonic()
        assert await asking == {"one": 1}
        assert monotonic() - began < 2 * AGAIN
    finally:
        await connections.close_async()


async def test_a_worker_without_notifications_counts_as_lost(settings: Settings, proxy: Faulty) -> None:
    """Such a worker takes no more jobs, and waits for the running ones."""
    connections = connector(settings.model_copy(update={"database_url": proxy.url(settings.database_url)}))
    await connections.open_async()

    async def on_notification(*, channel: str, payload: str) -> None:
        raise AssertionError((channel, payload))

    try:
        assert not connections.lost.is_set()
        proxy.strike(Fault.REFUSE)
        with pytest.raises(ConnectorException):
            await connections.listen_notify(on_notification, ["test"])
        assert connections.lost.is_set()
    finally:
        await connections.close_async()
