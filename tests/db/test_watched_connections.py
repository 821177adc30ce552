"""The operating system detects the loss of each connection to PostgreSQL, even when the other machine disappears."""

import socket
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psycopg
import pytest
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from insula.audit.verify import reader
from insula.cli.tools import run_tool
from insula.core.settings import Settings
from insula.db.engine.address import address_of
from insula.db.engine.connection import TOOL, Connecting
from insula.db.engine.deadlines import ConnectThrottle
from insula.db.engine.roles import GATE, role_url
from insula.db.migrate.run import as_owner
from insula.worker.queue import connector
from tests.support.faulty import Faulty, faulty

WATCHED = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 3, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 10_000}
TICKS_A_SECOND = 100  # of /proc/net/tcp


@pytest.fixture
def proxy(settings: Settings) -> Iterator[Faulty]:
    with faulty(settings.database_url) as running:
        yield running


def watched(plug: socket.socket) -> dict[str, int]:
    assert plug.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    return {name: plug.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in WATCHED}


def socket_of(connection: asyncpg.Connection) -> socket.socket:
    found: socket.socket = connection._transport.get_extra_info("socket")  # noqa: SLF001 - asyncpg has no public way to it
    return found


async def test_connections_of_the_queue_have_keepalive(settings: Settings) -> None:
    connections = connector(settings)
    await connections.open_async()
    async with connections.pool.connection() as connection:
        assert isinstance(connection, psycopg.AsyncConnection)
        with socket.socket(fileno=connection.fileno()) as plug:
            found = watched(plug)
            plug.detach()
    await connections.close_async()

    assert found == WATCHED


async def test_the_connection_of_the_listener_has_keepalive(settings: Settings) -> None:
    connection = await Connecting(role_url(settings, GATE, direct=True), seconds=5.0, throttle=ConnectThrottle())
    assert watched(socket_of(connection)) == WATCHED
    await connection.close()


async def test_connections_of_operators_commands_have_keepalive(settings: Settings) -> None:
    connection = await asyncpg.connect(settings.database_url, **TOOL)
    assert watched(socket_of(connection)) == WATCHED
    await connection.close()


async def test_the_connection_of_the_audit_logs_verification_has_keepalive(settings: Settings) -> None:
    async with reader(settings) as connection:
        assert watched(await socket_of_engine(connection)) == WATCHED


async def socket_of_engine(connection: AsyncConnection) -> socket.socket:
    return socket_of((await connection.get_raw_connection()).driver_connection)


async def test_the_connection_of_a_migration_has_keepalive(settings: Settings) -> None:
    found: list[dict[str, int]] = []

    def look(connection: Connection) -> None:
        found.append(watched(socket_of(connection.connection.driver_connection)))

    as_owner(settings, look)
    assert found == [WATCHED]


async def test_connections_of_postgresqls_programs_have_keepalive(
    settings: Settings, proxy: Faulty, tmp_path: Path
) -> None:
    seen = tmp_path / "sockets"
    through = settings.model_copy(update={"database_url": proxy.url(settings.database_url)})
    run_tool("psql", address_of(through), ["--no-psqlrc", f"--command=\\! cat /proc/net/tcp > {seen}"])

    timers = [
        line.split()[5] for line in seen.read_text().splitlines() if line.split()[2].endswith(f":{proxy.port:04X}")
    ]
    [(kind, ticks)] = [timer.split(":") for timer in timers]
    assert kind == "02", "it has a keepalive timer"
    assert int(ticks, 16) <= WATCHED["TCP_KEEPIDLE"] * TICKS_A_SECOND
