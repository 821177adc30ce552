"""The fault-injecting proxy: the effect of each fault on a client."""

import asyncio
from collections.abc import Iterator

import asyncpg
import pytest

from insula.core.settings import Settings
from insula.db.engine.roles import GATE, role_url
from insula.tenancy import DnsResolver
from tenants.database import TENANTS
from tests.support.dns import ADDRESS, serving_names
from tests.support.faulty import Fault, Faulty, faulty, of_role
from tests.support.faulty_names import faulty_names
from tests.support.mail import Sink
from tests.support.waiting import until

ROLE = GATE


@pytest.fixture
def proxy(settings: Settings) -> Iterator[Faulty]:
    with faulty(settings.database_url) as running:
        yield running


@pytest.fixture
def url(settings: Settings, proxy: Faulty) -> str:
    return proxy.url(role_url(settings, ROLE))


async def test_frozen_bytes_arrive_after_healing(url: str, proxy: Faulty) -> None:
    connection = await asyncpg.connect(url)
    assert [wire.user for wire in proxy.wires()] == [ROLE]
    proxy.strike(Fault.FREEZE)
    asking = asyncio.create_task(connection.fetchval("select 1"))
    await asyncio.wait({asking}, timeout=0.2)
    assert not asking.done()
    proxy.heal()
    assert await asking == 1
    await connection.close()


async def test_swallowed_bytes_never_arrive_and_new_connections_work(url: str, proxy: Faulty) -> None:
    connection = await asyncpg.connect(url)
    proxy.strike(Fault.SWALLOW, open_only=True)
    with pytest.raises(TimeoutError):
        await connection.fetchval("select 1", timeout=0.2)
    another = await asyncpg.connect(url)
    assert await another.fetchval("select 1") == 1
    proxy.heal()
    await another.close()
    connection.terminate()
    await until(lambda: not proxy.wires())


async def test_a_fault_can_affect_only_one_role(settings: Settings, url: str, proxy: Faulty) -> None:
    proxy.strike(Fault.RESET, only=of_role("insula_tenants"))
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("select 1") == 1
    with pytest.raises((OSError, asyncpg.PostgresError)):
        await asyncpg.connect(proxy.url(role_url(settings, TENANTS)))
    await connection.close()


async def test_refusing_resets_connections_and_healing_serves_the_same_port(url: str, proxy: Faulty) -> None:
    connection = await asyncpg.connect(url)
    proxy.strike(Fault.REFUSE)
    with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
        await connection.fetchval("select 1")
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        await asyncpg.connect(url)
    proxy.heal()
    again = await asyncpg.connect(url)
    assert await again.fetchval("select 1") == 1
    await again.close()


@pytest.mark.parametrize("fault", [Fault.DELAY, Fault.DRIP])
async def test_delayed_answers_are_complete(url: str, proxy: Faulty, fault: Fault) -> None:
    connection = await asyncpg.connect(url)
    proxy.strike(fault, seconds=0.002)
    assert await connection.fetchval("select repeat('x', 100)") == "x" * 100
    proxy.heal()
    await connection.close()


async def test_the_end_of_a_swallowed_connection_is_not_forwarded(settings: Settings, url: str, proxy: Faulty) -> None:
    connection, watcher = await asyncpg.connect(url), await asyncpg.connect(settings.database_url)
    number = connection.get_server_pid()
    proxy.strike(Fault.SWALLOW)
    with pytest.raises(TimeoutError):
        await connection.fetchval("select 1", timeout=0.1)
    assert await watcher.fetchval("select pg_terminate_backend($1, 5000)", number)
    proxy.heal()
    with pytest.raises(TimeoutError):
        await connection.fetchval("select 1", timeout=0.1)
    assert proxy.heard_since(0.0, of_role(ROLE)) == 1
    connection.terminate()
    await watcher.close()


async def test_a_server_may_send_first(sink: Sink) -> None:
    with faulty(f"smtp://127.0.0.1:{sink.port}") as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        assert (await reader.readline()).startswith(b"220")
        writer.close()


@pytest.mark.parametrize("fault", [Fault.FREEZE, Fault.SWALLOW, Fault.DRIP, Fault.RESET, Fault.REFUSE])
async def test_faults_affect_a_name_server_too(fault: Fault) -> None:
    with serving_names() as names, faulty_names(ADDRESS, names.port) as proxy:
        names.publish("shop.example.com", "one")
        resolver = DnsResolver([(ADDRESS, proxy.port)], seconds=0.4)
        proxy.strike(fault)
        assert await resolver.texts("shop.example.com") == frozenset()
        proxy.strike(Fault.DELAY, seconds=0.05)
        assert await resolver.texts("shop.example.com") == {"one"}
        proxy.heal()
        assert await resolver.texts("shop.example.com") == {"one"}
