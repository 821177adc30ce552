"""The listener delivers notifications, and no stale entry is used while it is disconnected."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from sqlalchemy.engine import make_url

from insula.core.ids import UserId, new_id
from insula.core.settings import Settings
from insula.tenancy import Directory, Listener
from tests.support.factories import Factories
from tests.support.faulty import Fault, faulty
from tests.support.waiting import until

Readback = Callable[..., Awaitable[list[dict[str, object]]]]
END_LISTENERS = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name = 'insula-listener'
"""


class Sink:
    """Records its calls."""

    def __init__(self) -> None:
        self.listener_alive = False
        self.payloads: list[str] = []
        self.flushes = 0

    def notify(self, payload: str) -> None:
        self.payloads.append(payload)

    def flush(self) -> None:
        self.flushes += 1


@pytest.fixture
def sink() -> Sink:
    return Sink()


@asynccontextmanager
async def proxied(settings: Settings) -> AsyncIterator[tuple[Settings, asyncio.Event]]:
    """Yield settings that listen through a proxy, and an event that makes the proxy swallow every answer."""
    silent = asyncio.Event()
    url = make_url(settings.database_url)

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if not silent.is_set():
                writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, downstream = await asyncio.open_connection(url.host, url.port)
        await asyncio.gather(carry(reader, downstream), carry(upstream, writer), return_exceptions=True)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    direct = url.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
    database = settings.database.model_copy(update={"direct_url": direct})
    yield settings.model_copy(update={"database": database}), silent
    server.close()


async def test_a_change_is_notified_at_its_commit(settings: Settings, sink: Sink, make: Factories) -> None:
    listener = Listener(settings, sink)
    await listener.start()
    tenant = await make.tenant()
    await until(lambda: f"tenant:{tenant.id}" in sink.payloads)
    await listener.stop()

    assert not sink.listener_alive


async def test_a_lost_connection_is_replaced_and_the_caches_are_flushed(
    settings: Settings, sink: Sink, readback: Readback, make: Factories
) -> None:
    listener = Listener(settings, sink)
    await listener.start()
    assert sink.listener_alive
    flushes = sink.flushes

    ended = await readback(END_LISTENERS)

    assert {"pg_terminate_backend": True} in ended
    await until(lambda: sink.flushes >= flushes + 2 and sink.listener_alive)
    tenant = await make.tenant()
    await until(lambda: f"tenant:{tenant.id}" in sink.payloads)
    await listener.stop()


async def test_the_listener_connects_when_the_server_returns(settings: Settings, sink: Sink) -> None:
    with faulty(settings.database_url) as proxy:
        database = settings.database.model_copy(update={"direct_url": proxy.url(settings.database_url)})
        listener = Listener(settings.model_copy(update={"database": database}), sink)
        proxy.strike(Fault.REFUSE)

        await listener.start(patience=0.1)
        assert not listener.alive
        assert not sink.listener_alive

        proxy.heal()
        await until(lambda: sink.listener_alive, seconds=3)
        await listener.stop()


async def test_a_silent_server_is_detected(settings: Settings, sink: Sink) -> None:
    async with proxied(settings) as (direct, silent):
        listener = Listener(direct, sink)
        await listener.start()
        assert sink.listener_alive

        silent.set()

        await until(lambda: not sink.listener_alive, seconds=1.5)
        await listener.stop()


async def test_without_a_listener_entries_expire_within_a_second(
    directory: Directory, make: Factories, readback: Readback
) -> None:
    user = await make.user()
    session_id: UUID = await make.session(user)
    directory.listener_alive = True
    directory.listener_alive = False

    async def live() -> bool:
        access = await directory.access(session_id=session_id, user_id=UserId(user.id), tenant_id=None)
        return access.session_live

    async def dead() -> bool:
        return not await live()

    assert await live()
    await readback("update auth_session set revoked_at = now() where id = :id", id=session_id)

    await until(dead, seconds=1)


async def test_unknown_payloads_are_ignored(listening: Directory) -> None:
    for payload in ("", "tenant:", "tenant:nonsense", f"plan:{new_id()}", "user:\x00", "keys:"):
        listening.notify(payload)


async def test_a_fatal_error_without_a_close_is_followed_by_a_new_connection(settings: Settings, sink: Sink) -> None:
    """A FATAL error without the end of the connection, as in a slow shutdown."""
    fatal = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0"
    leaving = asyncio.Event()
    url = make_url(settings.database_url)

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, onward = await asyncio.open_connection(url.host, url.port)
        pumps = [asyncio.create_task(carry(reader, onward)), asyncio.create_task(carry(upstream, writer))]
        last = asyncio.create_task(leaving.wait())
        await asyncio.wait((*pumps, last), return_when=asyncio.FIRST_COMPLETED)
        for task in (*pumps, last):
            task.cancel()
        if leaving.is_set():
            leaving.clear()
            writer.write(b"E" + (len(fatal) + 4).to_bytes(4, "big") + fatal)
            await asyncio.sleep(5)  # without closing
        writer.close()
        onward.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        through = url.set(port=server.sockets[0].getsockname()[1]).render_as_string(hide_password=False)
        database = settings.database.model_copy(update={"direct_url": through})
        listener = Listener(settings.model_copy(update={"database": database}), sink)
        await listener.start()
        assert sink.listener_alive
        flushes = sink.flushes

        leaving.set()

        await until(lambda: sink.flushes >= flushes + 2 and sink.listener_alive, seconds=5)
        await listener.stop()
