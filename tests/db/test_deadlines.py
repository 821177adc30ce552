"""Every wait for the database has a client-side time limit, and a lost connection's place is free at once."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from time import monotonic

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.util.queue import Empty

from insula.core.errors import Unavailable
from insula.core.settings import Settings
from insula.db.engine.connection import Connecting, TenantConnection
from insula.db.engine.deadlines import ConnectThrottle, first_made
from insula.db.engine.fair_pool import FairPool, FairQueue
from insula.db.engine.pools import Database, shares
from insula.db.engine.roles import GATE, DatabaseRole, role_url
from tenants.database import TENANTS
from tests.support.apps import DECLARED
from tests.support.faulty import Fault, Faulty, faulty
from tests.support.waiting import until

POOL_TIMEOUT, STATEMENT, GRACE = 0.5, 0.5, 1.0
LATE = 0.5  # for a busy machine


@pytest.fixture
def proxy(settings: Settings) -> Iterator[Faulty]:
    with faulty(settings.database_url) as running:
        yield running


@pytest.fixture
async def database(settings: Settings, proxy: Faulty) -> AsyncIterator[Database]:
    """Open pools through the proxy, with one connection each, and two for ``tenants``."""
    limits = {"budget": len(DECLARED.web_roles) + 2, "pool_timeout": POOL_TIMEOUT, "statement_timeout": STATEMENT}
    changed = settings.database.model_copy(update=limits)
    through = {"database": changed, "database_url": proxy.url(settings.database_url)}
    assert shares(changed.budget, DECLARED.web_roles)[GATE] == 1
    database = await Database.open(settings.model_copy(update=through), DECLARED.web_roles)
    yield database
    proxy.heal()
    await database.close()


async def query(database: Database, role: DatabaseRole = GATE) -> int:
    """Run a statement on the role's pool."""
    async with database.engine(role).connect() as connection:
        found: int = (await connection.execute(text("SELECT 1"))).scalar_one()
    return found


async def test_waiting_for_a_connection_has_a_time_limit(database: Database, proxy: Faulty) -> None:
    proxy.strike(Fault.SWALLOW)
    began = monotonic()
    with pytest.raises(ConnectionError):
        await query(database)
    assert monotonic() - began < POOL_TIMEOUT + GRACE + LATE
    proxy.heal()
    assert await query(database) == 1


async def test_a_later_attempt_connects_while_the_first_hangs(database: Database, proxy: Faulty) -> None:
    proxy.strike(Fault.SWALLOW)
    asking = asyncio.create_task(query(database))
    await until(lambda: len(proxy.wires()) == 1)
    proxy.heal()
    assert await asking == 1, "the first attempt's bytes are lost for good"


async def test_waiting_for_a_statement_ends_a_second_after_the_servers_limit(database: Database, proxy: Faulty) -> None:
    async with database.unit(TENANTS) as unit:
        connection = await unit.session.connection()
        driver = (await connection.get_raw_connection()).driver_connection
        assert isinstance(driver, TenantConnection)
        proxy.strike(Fault.SWALLOW, open_only=True)
        asking = asyncio.create_task(connection.execute(text("SELECT 1")))
        began = monotonic()
        await asyncio.wait({asking}, timeout=STATEMENT + GRACE + LATE)
        ended, closed = monotonic(), driver.is_closed()
        driver.terminate()  # so that the test ends where the statement does not
        with pytest.raises(TimeoutError):
            await asking
        assert STATEMENT < ended - began < STATEMENT + GRACE + LATE
        assert closed
        await unit.rollback()
    assert await query(database, TENANTS) == 1


async def test_an_unanswered_commit_has_an_unknown_outcome(database: Database, proxy: Faulty) -> None:
    unit = database.unit(TENANTS)
    await (await unit.session.connection()).execute(text("SELECT 1"))
    proxy.strike(Fault.SWALLOW, open_only=True)
    began = monotonic()
    with pytest.raises(Unavailable, match="may have been saved or not"):
        await unit.commit()
    await unit.close()
    assert monotonic() - began < STATEMENT + GRACE + LATE


async def test_silence_on_one_connection_closes_the_idle_ones(database: Database, proxy: Faulty) -> None:
    async with database.engine(TENANTS).connect() as first, database.engine(TENANTS).connect() as second:
        await first.execute(text("SELECT 1"))
        await second.execute(text("SELECT 1"))
    assert len(proxy.wires()) == 2
    proxy.strike(Fault.SWALLOW, open_only=True)
    with pytest.raises(TimeoutError):
        await query(database, TENANTS)
    await until(lambda: proxy.wires() == [])
    began = monotonic()
    assert await query(database, TENANTS) == 1
    assert monotonic() - began < STATEMENT


async def test_a_waiter_connects_in_place_of_a_cancelled_one(database: Database, proxy: Faulty) -> None:
    pool = database.engine(GATE).sync_engine.pool
    assert isinstance(pool, FairPool)
    pool._timeout = 30.0  # noqa: SLF001 - so that no wait times out during the test
    proxy.strike(Fault.FREEZE)
    first = asyncio.create_task(query(database))
    await until(lambda: len(proxy.wires()) == 1)
    second = asyncio.create_task(query(database))
    await asyncio.wait({second}, timeout=0.05)

    first.cancel()  # frees the place in the pool that the second waits for
    proxy.heal()

    with pytest.raises(asyncio.CancelledError):
        await first
    began = monotonic()
    assert await second == 1
    assert monotonic() - began < 5
    assert pool.checkedout() == 0


async def test_a_statement_of_the_role_gate_is_one_round_trip(database: Database) -> None:
    async with database.engine(GATE).connect() as connection:
        raw = await connection.get_raw_connection()
        await connection.execute(text("SELECT 1"))
        assert isinstance(raw.driver_connection, TenantConnection)
        assert not raw.driver_connection.is_in_transaction()


async def test_each_connection_has_keepalive(database: Database) -> None:
    async with database.engine(GATE).connect() as connection:
        raw = await connection.get_raw_connection()
        assert raw.driver_connection is not None
        plug = raw.driver_connection._transport.get_extra_info("socket")  # noqa: SLF001 - asyncpg has no public way to it
        assert plug.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert plug.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000


async def test_a_silent_server_gets_few_connection_attempts_from_many_waiters(
    settings: Settings, proxy: Faulty
) -> None:
    """Otherwise a server that resumes would accept every attempt and run out of connections."""
    waiting, throttle = 10, ConnectThrottle()
    url = proxy.url(role_url(settings, TENANTS))

    async def connect() -> asyncpg.Connection:
        return await Connecting(url, seconds=2.0, throttle=throttle, connection_class=TenantConnection)

    proxy.strike(Fault.SWALLOW)
    failed = await asyncio.gather(*(connect() for _ in range(waiting)), return_exceptions=True)
    assert {type(outcome) for outcome in failed} == {ConnectionError}
    first = proxy.made
    assert first <= waiting + 3, "one attempt each until the server counts as silent, then one at a time"
    second = await asyncio.gather(*(connect() for _ in range(waiting)), return_exceptions=True)
    assert {type(outcome) for outcome in second} == {ConnectionError}
    assert proxy.made - first <= 3

    waits = [asyncio.create_task(connect()) for _ in range(waiting)]
    await asyncio.wait(waits, timeout=0.1)
    proxy.heal()
    began = monotonic()
    made = await asyncio.gather(*waits)
    assert monotonic() - began < 1.0 + LATE, "once one is answered, all connect"
    for connection in made:
        connection.terminate()


async def test_an_attempt_that_timed_out_is_not_an_answer() -> None:
    """The driver may time out just before we do; the server has still not answered."""
    throttle = ConnectThrottle()

    async def unanswered(_left: float) -> asyncpg.Connection:
        raise TimeoutError

    async def refused(_left: float) -> asyncpg.Connection:
        raise ConnectionRefusedError

    with pytest.raises(TimeoutError):
        await first_made(unanswered, asyncpg.Connection.terminate, throttle, 1.0)
    assert not throttle.may_try(), "one at a time from here on"
    with pytest.raises(ConnectionRefusedError):
        await first_made(refused, asyncpg.Connection.terminate, throttle, 1.0)
    assert throttle.may_try(), "a refusal is an answer"


async def test_the_turn_of_a_cancelled_waiter_passes_to_the_next() -> None:
    turns = FairQueue(1)
    first, second = (asyncio.create_task(turns.turn(30.0)) for _ in range(2))
    await asyncio.wait((first, second), timeout=0.01)
    turns.let_next_connect()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    with pytest.raises(Empty):
        await asyncio.wait_for(second, 1.0)


async def test_a_refused_attempt_is_retried_with_pauses_while_another_hangs() -> None:
    hanging, refused = asyncio.Event(), 0

    async def make(_left: float) -> object:
        nonlocal refused
        if not hanging.is_set():
            hanging.set()
            await asyncio.sleep(30)
        refused += 1
        raise ConnectionRefusedError

    with pytest.raises((ConnectionRefusedError, TimeoutError)):
        await first_made(make, lambda _made: None, ConnectThrottle(), 2.0)
    assert 0 < refused < 20, "a starting server would be flooded"


async def test_a_woken_waiter_that_finds_the_pool_full_keeps_waiting(database: Database, proxy: Faulty) -> None:
    proxy.strike(Fault.FREEZE)
    first = asyncio.create_task(query(database))
    await until(lambda: len(proxy.wires()) == 1)
    second = asyncio.create_task(query(database))
    await asyncio.wait({second}, timeout=0.05)

    first.cancel()  # frees a place in the pool and wakes the second
    newcomer = asyncio.create_task(query(database))
    proxy.heal()

    with pytest.raises(asyncio.CancelledError):
        await first
    assert (await second, await newcomer) == (1, 1)
