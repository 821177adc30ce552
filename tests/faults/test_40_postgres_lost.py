"""Fault 40: PostgreSQL loses backends or crashes under load; requests succeed or get 503; acknowledged writes stay."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from itertools import count
from pathlib import Path

import asyncpg
import httpx
import pytest
from pydantic import JsonValue
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from insula.core.settings import Settings
from insula.db.engine.pools import Database, shares
from insula.jobs import JobContext, enqueue
from tenants.database import TENANTS
from tests.support.app import serving
from tests.support.apps import DECLARED
from tests.support.backends import rows_of
from tests.support.factories import Factories
from tests.support.load import CONNECTIONS, Load
from tests.support.mortal import MortalPostgres, mortal_postgres
from tests.support.waiting import answers, until
from tests.support.worker import quick, spawn, working

WRITERS, READERS = 4, 4


@pytest.fixture(scope="module")
def postgres(settings: Settings) -> Iterator[MortalPostgres]:
    directory = Path(tempfile.mkdtemp(prefix="insula-mortal-"))
    directory.chmod(0o711)
    try:
        with mortal_postgres(directory / "data", settings.redis_url) as running:
            yield running
    finally:
        shutil.rmtree(directory)


@pytest.fixture(scope="module")
def address(postgres: MortalPostgres) -> Iterator[str]:
    with serving(postgres.settings, 0, INSULA_LOG_LEVEL="ERROR") as address:
        yield address


@pytest.fixture
async def client(address: str, postgres: MortalPostgres) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client with the needed permissions, in a new tenant."""
    engine = create_async_engine(
        make_url(postgres.settings.database_url).set(drivername="postgresql+asyncpg"), poolclass=NullPool
    )
    make = Factories(engine)
    tenant = await make.tenant(entitlements={"requests_per_minute": 1_000_000, "racks": 10, "books": 1_000_000})
    key = await make.api_key(tenant, "rack:create", "rack:read", "book:create", "book:read")
    async with httpx.AsyncClient(
        base_url=f"{address}/api/v1", headers=key.headers, timeout=20, limits=CONNECTIONS
    ) as client:
        yield client


class Ledger:
    """Books created with idempotency keys, each request repeated until it is acknowledged."""

    def __init__(self, client: httpx.AsyncClient, rack: str) -> None:
        self.client, self.rack = client, rack
        self.acknowledged: dict[str, str] = {}
        self.odd: list[str] = []
        self._titles = count()

    def writer(self) -> "Writer":
        """Return a caller that creates one book after the other."""
        return Writer(self, self.next_title())

    def next_title(self) -> str:
        """Return a new title."""
        return f"book-{next(self._titles)}"

    def note(self, title: str, answer: httpx.Response) -> None:
        """Note acknowledged titles, and any response other than success or 503 with Retry-After."""
        if answer.status_code == 201:
            self.acknowledged[title] = answer.json()["id"]
        elif answer.status_code != 503 or not answer.headers.get("retry-after"):
            self.odd.append(f"{answer.status_code} {answer.text}")

    async def read(self) -> httpx.Response:
        """Read the rack."""
        answer = await self.client.get(f"/racks/{self.rack}")
        if answer.status_code != 200:
            self.note("", answer)
        return answer


class Writer:
    """Creates a book, repeating the request with the same key until it is acknowledged, and then the next book."""

    def __init__(self, ledger: Ledger, title: str) -> None:
        self.ledger, self.title = ledger, title

    async def __call__(self) -> httpx.Response:
        """Send one request."""
        answer = await self.ledger.client.post(
            f"/racks/{self.ledger.rack}/books",
            json={"title": self.title},
            headers={"Idempotency-Key": self.title},
        )
        self.ledger.note(self.title, answer)
        if answer.status_code == 201:
            self.title = self.ledger.next_title()
        return answer


async def test_acknowledged_writes_outlive_lost_backends_and_a_crash(
    client: httpx.AsyncClient, address: str, postgres: MortalPostgres
) -> None:
    rack = (await client.post("/racks", json={"name": "Ledger"})).json()["id"]
    ledger, load = Ledger(client, rack), Load()
    writers = [(f"writer {n}", ledger.writer()) for n in range(WRITERS)]
    readers = [(f"reader {n}", ledger.read) for n in range(READERS)]

    async with load.of([*writers, *readers]):
        await load.more(20, status=201)
        for _ in range(8):
            assert await postgres.end_backends() > 0
            await load.more(4, status=201)
            await load.more(4, status=200)
        await postgres.crashed()
        await load.more(20, status=503)
        assert (await client.get(f"{address}/healthz")).status_code == 200
        await postgres.started()
        await load.more(20, status=201)
        await load.more(20, status=200)

    assert ledger.odd + load.failures == []
    assert set(load.statuses()) == {200, 201, 503}
    kept = await rows_of(postgres.settings, "select id::text, title from book where rack_id = :id", id=rack)
    titles = [str(row["title"]) for row in kept]
    assert len(titles) == len(set(titles)), "one book for a key, however often the request was sent"
    assert {str(row["title"]): row["id"] for row in kept}.items() >= ledger.acknowledged.items()
    assert len(ledger.acknowledged) > 60


async def test_the_pool_recovers_after_a_crash(
    client: httpx.AsyncClient, address: str, postgres: MortalPostgres
) -> None:
    size = shares(postgres.settings.database.budget, DECLARED.web_roles)[TENANTS]
    postgres.crash()
    assert (await client.get("/racks")).status_code == 503
    assert (await client.get(f"{address}/readyz")).status_code == 503
    postgres.start()

    await answers(200, lambda: client.get("/racks"), seconds=5)
    await answers(200, lambda: client.get(f"{address}/readyz"), seconds=5)
    many = await asyncio.gather(*(client.get("/racks") for _ in range(3 * size)))
    assert [answer.status_code for answer in many] == [200] * 3 * size


async def test_a_worker_continues_after_a_crash(postgres: MortalPostgres) -> None:
    engine = create_async_engine(
        make_url(postgres.settings.database_url).set(drivername="postgresql+asyncpg"), poolclass=NullPool
    )
    tenant, done = await Factories(engine).tenant(), []
    entered, leave = asyncio.Event(), asyncio.Event()

    async def note(_context: JobContext, arguments: Mapping[str, JsonValue]) -> None:
        done.append(arguments["n"])
        if arguments["n"] == 2:
            entered.set()
            await leave.wait()

    async def queue(number: int) -> None:
        database = await Database.open(postgres.settings, [TENANTS])
        async with database.unit(TENANTS, tenant.id) as unit:
            await enqueue(unit, "probe.note", {"n": number}, tenant_id=tenant.id)
        await database.close()

    async def all_ended() -> bool:
        jobs = "select status::text from jobs.procrastinate_jobs where tenant_id = :id"
        return {row["status"] for row in await rows_of(postgres.settings, jobs, id=tenant.id)} == {"succeeded"}

    async def end_is_blocked() -> bool:
        waiting = "select 1 from pg_stat_activity where usename = 'insula_worker' and wait_event_type = 'Lock'"
        return bool(await rows_of(postgres.settings, waiting))

    async with working(quick(postgres.settings, stalled_seconds=60.0), {"probe.note": note}):
        await queue(1)
        await until(all_ended, 10)
        await queue(2)
        await entered.wait()
        lock = await asyncpg.connect(postgres.settings.database_url)
        await lock.execute("BEGIN")
        await lock.fetch("SELECT 1 FROM jobs.procrastinate_jobs WHERE tenant_id = $1 FOR UPDATE", tenant.id)
        leave.set()
        await until(end_is_blocked, 10)  # the job has run, and its end is being written
        postgres.crash()
        lock.terminate()
        postgres.start()
        await queue(3)
        await until(all_ended, 20)
    assert done == [1, 2, 3]


async def test_a_worker_stops_on_sigterm_without_the_database(postgres: MortalPostgres) -> None:
    async def workers() -> set[object]:
        rows = await rows_of(postgres.settings, "select id from jobs.procrastinate_workers")
        return {row["id"] for row in rows}

    before = await workers()

    async def is_running() -> bool:
        return bool(await workers() - before)

    with spawn(quick(postgres.settings)) as worker:
        try:
            await until(is_running, 30)
            postgres.crash()
            worker.terminate()
            assert await asyncio.to_thread(worker.wait, 40) == 0
        finally:
            worker.kill()
            postgres.start()
