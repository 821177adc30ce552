"""One client's connection: what uvicorn leaves open, bounded in time, size and number.

uvicorn bounds connections that idle between requests, and no others. Here a connection that sends
a request's head too slowly or too large, or does not read its answer, is ended; when there are too
many, those that wait make room; and a request whose client has gone is cancelled, so that its
statement does not run on in the database. ``uvicorn --http insula.http.server:Connection`` uses it.
"""

import asyncio
import logging
import math
import socket
import struct
from collections.abc import Mapping
from enum import Enum
from http import HTTPStatus
from typing import Any, Final

import structlog
from starlette.types import ASGIApp
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from insula.errors import AppError, Unavailable
from insula.http.errors import HeaderTooLarge, RequestTimeout
from insula.http.problems import ProblemResponse
from insula.ids import new_id
from insula.settings import HttpSettings, Settings

_LONGEST_HEAD: Final = 65_536
_UNSENT: Final = 131_072  # bytes of an answer that the system takes before its client reads
_PROGRESS: Final = 16_384  # bytes that count as reading on
_LOOKS: Final = 4  # at each connection within the shortest of its deadlines
_NOTSENT_LOWAT: Final = getattr(socket, "TCP_NOTSENT_LOWAT", 25)  # Linux; Python names it from 3.12 on
_AT_ONCE: Final = struct.pack("ii", 1, 0)  # what was not sent is dropped, and the client told
_SILENT: Final = logging.Logger("silent", logging.CRITICAL + 1)  # noqa: LOG001  # no configuration makes it speak
_log = structlog.get_logger(__name__)


class Stage(Enum):
    """What a connection waits for."""

    HEAD = "a request, or the rest of one that is answered"
    ANSWER = "the app"
    READER = "the client, to read"
    NEXT = "another request, with nothing of it received"


class Connection(HttpToolsProtocol):
    """uvicorn's protocol with deadlines. What is done per request is a comparison; the rest, a few times a minute."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        http = _settings_of(config.loaded_app)
        self.timeout_keep_alive = http.keep_alive_timeout
        self._max_connections = http.max_connections
        self._every = min(http.head_timeout, http.read_on_timeout) / _LOOKS
        self._patience: Mapping[Stage, float] = {
            Stage.HEAD: http.head_timeout / self._every,
            Stage.READER: http.read_on_timeout / self._every,
        }
        self._watch: asyncio.TimerHandle | None = None
        self._running: tuple[RequestResponseCycle, asyncio.Task[None]] | None = None
        self._counted: object = None
        self._received = 0
        self._resumed = 0
        self._seen: tuple[Stage, object, int] = (Stage.HEAD, None, 0)
        self._left = self._looks = 0
        self.opened = self.loop.time()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Begin to watch; make room if there are too many."""
        super().connection_made(transport)
        self._socket_option(socket.IPPROTO_TCP, _NOTSENT_LOWAT, _UNSENT)
        self._watch = self.loop.call_later(self._every, self._look)
        if len(self.connections) > self._max_connections:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching; cancel the request that nobody waits for any more."""
        super().connection_lost(exc)
        self._stop_watching()
        if self._running is not None:
            cycle, task = self._running
            if not cycle.response_complete:
                cycle.disconnected = True  # uvicorn tells the last of several that came at once, which may be another
                cycle.logger = _SILENT  # which would call it a fault of the app
                task.cancel()

    def data_received(self, data: bytes) -> None:
        """Take what came; refuse a head that does not end."""
        super().data_received(data)
        if self.scope is not self._counted:
            self._counted, self._received = self.scope, 0
        self._received += len(data)
        if self._received > _LONGEST_HEAD and self._in_head and not self.transport.is_closing():
            self._refuse(HeaderTooLarge())

    def on_headers_complete(self) -> None:
        """Start the request; what is sent as a trailer after its body is no header of it."""
        super().on_headers_complete()
        if self.cycle is not None and self.cycle.scope is self.scope:
            self.headers = []

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        # As uvicorn's own, which keeps the task to itself.
        task = self.loop.create_task(cycle.run_asgi(app))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)
        self._running = cycle, task

    def resume_writing(self) -> None:
        """Note that the client reads on."""
        self._resumed += 1
        super().resume_writing()

    def handle_websocket_upgrade(self) -> None:
        """Leave the connection to the WebSocket's protocol."""
        self._stop_watching()
        super().handle_websocket_upgrade()

    @property
    def stage(self) -> Stage:
        """What the connection waits for now."""
        if self.transport.get_write_buffer_size():
            return Stage.READER
        if self.cycle is not None and not self.cycle.response_complete:
            return Stage.ANSWER
        return Stage.HEAD if self.timeout_keep_alive_task is None else Stage.NEXT

    @property
    def _in_head(self) -> bool:
        """Whether a head has begun and not ended."""
        return self.scope is not None and (self.cycle is None or self.cycle.scope is not self.scope)

    def _look(self) -> None:
        """End the connection if what it waits for has been too long in coming.

        Looks are counted, not seconds: after a pause of the whole process, what has come meanwhile is read first.
        """
        stage, left = self.stage, self.transport.get_write_buffer_size()
        seen = (stage, self.cycle, self._resumed)
        self._looks += 1
        if seen != self._seen or left <= self._left - _PROGRESS:
            self._seen, self._left, self._looks = seen, left, 0
        elif self._looks >= self._patience.get(stage, math.inf):
            self._end(stage)
        self._watch = self.loop.call_later(self._every, self._look)

    def _end(self, stage: Stage) -> None:
        if stage is Stage.HEAD and self._in_head:
            self._refuse(RequestTimeout())
        elif stage is Stage.HEAD:
            self.transport.close()
        else:
            self._tell("the client does not read")
            self._socket_option(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            self.transport.abort()

    def _socket_option(self, level: int, option: int, value: int | bytes) -> None:
        bare = self.transport.get_extra_info("socket")
        if bare is not None and bare.family in (socket.AF_INET, socket.AF_INET6):
            bare.setsockopt(level, option, value)

    def _make_room(self) -> None:
        """Close whom the server waits for longest; with every other at work, this one is refused."""
        others = [other for other in self.connections if isinstance(other, Connection) and other is not self]
        waiting = [other for other in others if other.stage in (Stage.HEAD, Stage.NEXT) and not other.ending]
        if not waiting:
            self._refuse(Unavailable("Too many connections are open"))
            return
        oldest = min(waiting, key=lambda other: (other.stage is Stage.NEXT, other.opened))
        oldest.transport.close()

    @property
    def ending(self) -> bool:
        """Whether the connection is being closed."""
        return self.transport.is_closing()

    def _refuse(self, error: AppError) -> None:
        """Answer without the app, and close."""
        self._tell(error.code)
        response = ProblemResponse(error, str(new_id()))
        head = [f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}".encode(), b"connection: close"]
        head += [name + b": " + value for name, value in response.raw_headers]
        self.transport.write(b"\r\n".join([*head, b"", bytes(response.body)]))
        self.transport.close()

    def _tell(self, reason: str) -> None:
        _log.info("connection ended", reason=reason, client=self.client[0] if self.client else None)

    def _stop_watching(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None


def _settings_of(app: ASGIApp) -> HttpSettings:
    settings = getattr(getattr(app, "state", None), "settings", None)
    return settings.http if isinstance(settings, Settings) else HttpSettings()
