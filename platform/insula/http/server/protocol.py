"""One client's connection: what uvicorn leaves open, bounded in time, size and number.

uvicorn bounds connections that idle between requests, and no others. Here a connection that sends
a request's head too slowly or too large, or does not read its answer, is ended; when there are too
many, in all or from one address, one that waits makes room; and a request whose client has gone is
cancelled, so that its statement does not run on in the database.
``uvicorn --http insula.http.server.protocol:Connection`` uses it.
"""

import asyncio
import logging
import socket
import struct
from enum import Enum
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final

import structlog
from starlette.types import ASGIApp
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from insula.core.errors import AppError, Unavailable
from insula.core.ids import new_id
from insula.core.settings import HttpSettings
from insula.http.app_context import AppWithContext
from insula.http.errors import HeaderTooLarge, RequestTimeout
from insula.http.kernel import kernel_if_open
from insula.http.responses.problems import ProblemResponse
from insula.http.server.crowd import Claim, Crowd
from insula.http.server.readers import Reading, acknowledged

_LONGEST_HEAD: Final = 65_536
_UNSENT: Final = 131_072  # bytes of an answer that the system takes before its client reads
_LOOKS: Final = 4  # at each connection within the shortest of its deadlines
_NOTSENT_LOWAT: Final = getattr(socket, "TCP_NOTSENT_LOWAT", 25)  # Linux; Python names it from 3.12 on
_AT_ONCE: Final = struct.pack("ii", 1, 0)  # what was not sent is dropped, and the client told
_SILENT: Final = logging.Logger("silent", logging.CRITICAL + 1)  # noqa: LOG001  # no configuration makes it speak
_log = structlog.get_logger(__name__)


class Stage(Enum):
    """What a connection waits for."""

    HEAD = "a request, or the rest of one that is answered"
    BODY = "the rest of a request's body"
    ANSWER = "the app"
    READER = "the client, to read"
    NEXT = "another request, with nothing of it received"


_CLAIMS: Final = {
    Stage.HEAD: Claim.NOTHING,
    Stage.BODY: Claim.BODY,
    Stage.ANSWER: Claim.WORK,
    Stage.READER: Claim.WORK,
    Stage.NEXT: Claim.IDLE,
}


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
        self._http = http
        self._crowd = _crowd_of(http)
        self._every = min(http.head_timeout, http.read_on_timeout) / _LOOKS
        self._watch: asyncio.TimerHandle | None = None
        self._running: tuple[RequestResponseCycle, asyncio.Task[None]] | None = None
        self._counted: object = None
        self._received = 0
        self._resumed = 0
        self._seen: tuple[Stage, object] = (Stage.HEAD, None)
        self._looks = 0
        self._reading: Reading | None = None
        self.home: tuple[int, int] | None = None
        self.heard = self.loop.time()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Begin to watch; make room if there are too many."""
        super().connection_made(transport)
        self._socket_option(socket.IPPROTO_TCP, _NOTSENT_LOWAT, _UNSENT)
        self._watch = self.loop.call_later(self._every, self._look)
        self.home = self._crowd.home_of(self.client)
        if self._crowd.is_full(len(self.connections)):
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
        self.heard = self.loop.time()
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

    def shutdown(self) -> None:
        """End the streams of the process, and this connection once it is idle. uvicorn closes sockets by itself."""
        kernel = kernel_if_open({"state": self.app_state})
        if kernel is not None:
            kernel.connections.stop()
        super().shutdown()

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
            return Stage.BODY if self._lacks_body else Stage.ANSWER
        return Stage.HEAD if self.timeout_keep_alive_task is None else Stage.NEXT

    @property
    def _in_head(self) -> bool:
        """Whether a head has begun and not ended."""
        return self.scope is not None and (self.cycle is None or self.cycle.scope is not self.scope)

    @property
    def _lacks_body(self) -> bool:
        """Whether the app has all that was sent of the one request's body, and has not begun to answer."""
        cycle = self.cycle
        is_alone = self._running is not None and self._running[0] is cycle
        return is_alone and cycle.more_body and not cycle.body and not cycle.response_started

    @property
    def claim(self) -> Claim:
        """What the connection would lose if it were closed now."""
        stage = self.stage
        if stage is Stage.READER and self._reading is not None and self._reading.is_slow:
            return Claim.SLOW_ANSWER
        return Claim.WORK if self.transport.is_closing() else _CLAIMS[stage]

    def _look(self) -> None:
        """End the connection if what it waits for has been too long in coming.

        Looks are counted, not seconds: after a pause of the whole process, what has come meanwhile is read first.
        """
        stage = self.stage
        seen = (stage, self.cycle)
        self._looks = self._looks + 1 if seen == self._seen else 0
        self._seen = seen
        if stage is not Stage.READER:
            self._reading = None
        elif self._reading is None:
            self._reading = Reading(self._http.read_on_rate, self._http.read_on_timeout)
        is_late = stage is Stage.HEAD and self._looks * self._every >= self._http.head_timeout
        if is_late or (self._reading is not None and not self._reading.goes_on(self._taken, self._every)):
            self._end(stage)
        self._watch = self.loop.call_later(self._every, self._look)

    @property
    def _taken(self) -> int:
        """The bytes that the client has taken in all; about those that left our buffer, if the system says nothing."""
        taken = acknowledged(self.transport)
        return self._resumed * HIGH_WATER_LIMIT - self.transport.get_write_buffer_size() if taken is None else taken

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
        """End one connection if there are too many; with every other at work, this one is refused."""
        members = [other for other in self.connections if isinstance(other, Connection)]
        losing = self._crowd.giving_way(self, members, len(self.connections))
        if losing is not None:
            losing.give_way(is_new=losing is self)

    def give_way(self, *, is_new: bool) -> None:
        """End the connection, with as much of an answer as it can have."""
        stage = self.stage
        if is_new or stage is Stage.BODY:
            if self.cycle is not None:
                self.cycle.disconnected = True  # what the app still sends belongs to no answer
            self._refuse(Unavailable("Too many connections are open"))
        elif stage is Stage.READER:
            self._end(stage)
        else:
            self._tell("made room")
            self.transport.close()

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


@lru_cache(maxsize=8)
def _crowd_of(settings: HttpSettings) -> Crowd:
    return Crowd(settings)


def _settings_of(app: ASGIApp) -> HttpSettings:
    return app.settings.http if isinstance(app, AppWithContext) else HttpSettings()
