"""Waiters get connections in the order of their arrival, and no connection is lost."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import PoolProxiedConnection

from insula.core.settings import Settings
from insula.db.engine.fair_pool import FairPool
from insula.db.engine.pools import Database, shares
from insula.db.engine.roles import GATE
from tests.support.apps import DECLARED


@pytest.fixture
async def small(settings: Settings) -> AsyncIterator[Database]:
    """Open a database whose role ``gate`` has one connection."""
    changed = settings.database.model_copy(update={"budget": len(DECLARED.web_roles) + 1, "pool_timeout": 0.3})
    database = await Database.open(settings.model_copy(update={"database": changed}), DECLARED.web_roles)
    yield database
    await database.close()


def pool_of(database: Database) -> FairPool:
    pool = database.engine(GATE).sync_engine.pool
    assert isinstance(pool, FairPool)
    assert pool.size() == 1
    return pool


async def waiting(tasks: list[asyncio.Task[PoolProxiedConnection | None]]) -> None:
    """Let the tasks run until they wait."""
    await asyncio.wait(tasks, timeout=0)


async def test_the_longest_waiter_is_next_and_no_newcomer_overtakes_it(small: Database) -> None:
    pool = pool_of(small)
    held = await small.engine(GATE).raw_connection()
    first = asyncio.create_task(pool.take())
    second = asyncio.create_task(pool.take())
    await waiting([first, second])
    held.close()
    late = asyncio.create_task(pool.take())  # begins to wait before the woken waiter has run
    got = await first
    assert got is not None
    await waiting([second, late])
    assert (second.done(), late.done()) == (False, False)
    got.close()
    after = await second
    assert after is not None
    assert not late.done()
    after.close()
    last = await late
    assert last is not None
    last.close()


async def test_transactions_and_reads_wait_in_one_queue(small: Database) -> None:
    pool = pool_of(small)
    order: list[str] = []

    async def transaction() -> None:
        async with small.engine(GATE).connect():
            order.append("transaction")

    async def read() -> None:
        taken = await pool.take()
        order.append("read")
        assert taken is not None
        taken.close()

    async with small.engine(GATE).connect():
        tasks = []
        for work in (transaction, read, transaction):
            tasks.append(asyncio.create_task(work()))
            await asyncio.wait(tasks, timeout=0)
    await asyncio.gather(*tasks)
    assert order == ["transaction", "read", "transaction"]


async def test_a_waiter_cancelled_at_its_turn_loses_no_connection(small: Database) -> None:
    pool = pool_of(small)
    held = await small.engine(GATE).raw_connection()
    gone, patient = asyncio.create_task(pool.take()), asyncio.create_task(pool.take())
    await waiting([gone, patient])
    held.close()
    gone.cancel()  # handed over already, and not yet awake
    got = await patient
    assert got is not None
    assert gone.cancelled()
    got.close()
    assert pool.checkedin() == 1


async def test_a_wait_that_times_out_is_an_exhausted_pool(small: Database) -> None:
    pool = pool_of(small)
    async with small.engine(GATE).connect():
        with pytest.raises(PoolTimeoutError):
            await pool.take()
    got = await pool.take()
    assert got is not None
    got.close()


def test_the_shares_of_the_roles_use_the_whole_budget() -> None:
    for budget in (8, 20, 33):
        assert sum(shares(budget, DECLARED.web_roles).values()) + 1 == budget
