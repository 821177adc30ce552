"""Receives PostgreSQL's notifications of changed access, and passes them to the caches of this process."""

import asyncio
import contextlib
from collections.abc import Callable
from time import monotonic
from typing import Protocol

import asyncpg
import structlog

from insula.core.lag import LATE
from insula.core.settings import Settings
from insula.db.engine.connection import CHANNEL, Connecting
from insula.db.engine.deadlines import ConnectThrottle
from insula.db.engine.roles import GATE, role_url

_PATIENCE = 0.5  # seconds between keepalives, and for an answer to one
_CONNECT_SECONDS = 2.0
_SHORTEST_WAIT, _LONGEST_WAIT = 0.05, 1.0
_log = structlog.get_logger(__name__)


async def _check_alive(connection: asyncpg.Connection) -> None:
    """Raise TimeoutError unless the server answers. If the event loop itself was late, ask again."""
    while True:
        asked_at = monotonic()
        try:
            await connection.execute("select 1")
        except TimeoutError:
            if monotonic() - asked_at < _PATIENCE + LATE:
                raise
        else:
            return


class Sink(Protocol):
    """A cache of access data."""

    listener_alive: bool

    def notify(self, payload: str) -> None:
        """Drop what one change invalidates."""
        ...

    def flush(self) -> None:
        """Drop everything: notifications may have been missed."""
        ...


class Listener:
    """Holds its own connection, which bypasses any transaction pooler, while the process serves.

    The sinks know whether it is connected. At each reconnection they drop everything, since nobody received the changes
    made meanwhile. ``on_silence`` is called when the connection is lost because the server did not answer.
    """

    def __init__(self, settings: Settings, *sinks: Sink, on_silence: Callable[[], None] | None = None) -> None:
        self._url = role_url(settings, GATE, direct=True)
        self._sinks = sinks
        self._on_silence = on_silence
        self._task: asyncio.Task[None] | None = None
        self._alive = asyncio.Event()

    @property
    def alive(self) -> bool:
        """Whether it is connected."""
        return self._alive.is_set()

    async def start(self, patience: float = 2.0) -> None:
        """Start listening; wait up to ``patience`` seconds for the first connection, then return anyway."""
        self._task = asyncio.create_task(self._run(), name="insula-listener")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._alive.wait(), patience)

    async def stop(self) -> None:
        """Stop listening and close the connection."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        wait = _SHORTEST_WAIT
        while True:
            try:
                await self._listen()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
                if self.alive:
                    wait = _SHORTEST_WAIT
                    _log.warning("listener lost", reason=type(error).__name__)
                    if self._on_silence is not None and isinstance(error, TimeoutError):
                        self._on_silence()
            finally:
                if self.alive:
                    self._set_alive(alive=False)
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    async def _listen(self) -> None:
        """Listen until the connection is lost, then raise its error."""
        connection = await Connecting(
            self._url,
            seconds=_CONNECT_SECONDS,
            throttle=ConnectThrottle(),
            command_timeout=_PATIENCE,
            server_settings={"application_name": "insula-listener"},
        )
        try:
            await connection.add_listener(CHANNEL, self._pass_on)
            self._set_alive(alive=True)
            lost = asyncio.Event()
            connection.add_termination_listener(lambda _connection: lost.set())
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(lost.wait(), _PATIENCE)
                await _check_alive(connection)
        finally:
            connection.terminate()

    def _pass_on(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        for sink in self._sinks:
            sink.notify(str(payload))

    def _set_alive(self, *, alive: bool) -> None:
        for sink in self._sinks:
            sink.flush()
            sink.listener_alive = alive
        if alive:
            self._alive.set()
        else:
            self._alive.clear()
