"""uvicorn's protocol for one connection, with the limits on time, size and number that uvicorn lacks.

uvicorn only closes connections that are idle between requests. This protocol also closes a connection that sends
a request's head too slowly, sends too large a head, or does not read its answer. If there are too many connections,
in total or from one address, it closes one that has no running request. It cancels a request whose client
has gone, so that its statement does not continue in the database.
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
from insula.http.app_context import AppWithContext, error_pages_of
from insula.http.errors import HeaderTooLarge, RequestTimeout
from insula.http.kernel import kernel_if_open
from insula.http.responses.problems import ProblemResponse
from insula.http.server.connection_limits import ConnectionLimits, Loss, Source
from insula.http.server.read_budget import ReadBudget, acknowledged_bytes

_LONGEST_HEAD: Final = 65_536
_UNSENT: Final = 131_072  # bytes of an answer that the kernel buffers before the client reads
_CHECKS: Final = 4  # of each connection, within its shortest timeout
_NOTSENT_LOWAT: Final = getattr(socket, "TCP_NOTSENT_LOWAT", 25)  # Linux; Python names it from 3.12 on
_RESET: Final = struct.pack("ii", 1, 0)  # close() drops unsent data and sends RST
_SILENT: Final = logging.Logger("silent", logging.CRITICAL + 1)  # noqa: LOG001  # no logging configuration reaches it
_log = structlog.get_logger(__name__)


class Stage(Enum):
    """What a connection waits for."""

    HEAD = "a request's head, or the rest of a request that is already answered"
    BODY = "the rest of a request's body"
    ANSWER = "the app"
    READER = "the client, to read"
    NEXT = "another request, with nothing of it received"


_LOSSES: Final = {
    Stage.HEAD: Loss.NOTHING,
    Stage.BODY: Loss.BODY,
    Stage.ANSWER: Loss.WORK,
    Stage.READER: Loss.WORK,
    Stage.NEXT: Loss.IDLE,
}


class Connection(HttpToolsProtocol):
    """uvicorn's protocol with timeouts. A request costs one comparison; a timer does the rest a few times a minute."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        http = _settings_of(config.loaded_app)
        self._error_pages = error_pages_of(config.loaded_app)
        self.timeout_keep_alive = http.keep_alive_timeout
        self._http = http
        self._limits = _limits_of(http)
        self._every = min(http.head_timeout, http.read_on_timeout) / _CHECKS
        self._watch: asyncio.TimerHandle | None = None
        self._running: tuple[RequestResponseCycle, asyncio.Task[None]] | None = None
        self._counted: object = None
        self._received = 0
        self._resumed = 0
        self._seen: tuple[Stage, object] = (Stage.HEAD, None)
        self._checks = 0
        self._budget: ReadBudget | None = None
        self.source: Source | None = None
        self.last_received = self.loop.time()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Start the timer; close a connection if there are too many."""
        super().connection_made(transport)
        self._socket_option(socket.IPPROTO_TCP, _NOTSENT_LOWAT, _UNSENT)
        self._watch = self.loop.call_later(self._every, self._check)
        self.source = self._limits.source_of(self.client)
        if self._limits.may_be_exceeded(len(self.connections)):
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer; cancel the request, whose client has gone."""
        super().connection_lost(exc)
        self._stop_watching()
        if self._running is not None:
            cycle, task = self._running
            if not cycle.response_complete:
                cycle.disconnected = True  # of pipelined requests, uvicorn sets it for the last, not the running one
                cycle.logger = _SILENT  # uvicorn would log the cancelled task as an error of the app
                task.cancel()

    def data_received(self, data: bytes) -> None:
        """Parse the data; refuse a head that is too large."""
        self.last_received = self.loop.time()
        super().data_received(data)
        if self.scope is not self._counted:
            self._counted, self._received = self.scope, 0
        self._received += len(data)
        if self._received > _LONGEST_HEAD and self._in_head and not self.transport.is_closing():
            self._refuse(HeaderTooLarge())

    def on_headers_complete(self) -> None:
        """Start the request; drop trailers, which uvicorn would append to its headers."""
        super().on_headers_complete()
        if self.cycle is not None and self.cycle.scope is self.scope:
            self.headers = []

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        # As uvicorn's own method, but keeps the task, to cancel it.
        task = self.loop.create_task(cycle.run_asgi(app))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)
        self._running = cycle, task

    def resume_writing(self) -> None:
        """Count that the client has read more."""
        self._resumed += 1
        super().resume_writing()

    def shutdown(self) -> None:
        """End the process's long-lived connections, and this one when it is idle. uvicorn itself closes WebSockets."""
        kernel = kernel_if_open({"state": self.app_state})
        if kernel is not None:
            kernel.connections.stop()
        super().shutdown()

    def handle_websocket_upgrade(self) -> None:
        """Stop the timer; uvicorn's WebSocket protocol takes over the connection."""
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
        """Whether the only request waits for more of its body, and the app has not begun to answer it."""
        cycle = self.cycle
        is_alone = self._running is not None and self._running[0] is cycle
        return is_alone and cycle.more_body and not cycle.body and not cycle.response_started

    @property
    def loss(self) -> Loss:
        """What closing the connection now would destroy."""
        stage = self.stage
        if stage is Stage.READER and self._budget is not None and self._budget.is_slow:
            return Loss.SLOW_ANSWER
        return Loss.WORK if self.transport.is_closing() else _LOSSES[stage]

    def _check(self) -> None:
        """End the connection if it has waited too long.

        Checks are counted, not seconds: after a pause of the whole process, data that arrived meanwhile is read first.
        """
        stage = self.stage
        seen = (stage, self.cycle)
        self._checks = self._checks + 1 if seen == self._seen else 0
        self._seen = seen
        if stage is not Stage.READER:
            self._budget = None
        elif self._budget is None:
            self._budget = ReadBudget(self._http.read_on_rate, self._http.read_on_timeout)
        is_late = stage is Stage.HEAD and self._checks * self._every >= self._http.head_timeout
        if is_late or (self._budget is not None and not self._budget.spend(self._every, self._acknowledged)):
            self._end(stage)
        self._watch = self.loop.call_later(self._every, self._check)

    @property
    def _acknowledged(self) -> int:
        """The bytes that the client has acknowledged in total; where unknown, about those that left our buffer."""
        found = acknowledged_bytes(self.transport)
        return self._resumed * HIGH_WATER_LIMIT - self.transport.get_write_buffer_size() if found is None else found

    def _end(self, stage: Stage) -> None:
        if stage is Stage.HEAD and self._in_head:
            self._refuse(RequestTimeout())
        elif stage is Stage.HEAD:
            self.transport.close()
        else:
            self._log_end("the client does not read")
            self._socket_option(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.transport.abort()

    def _socket_option(self, level: int, option: int, value: int | bytes) -> None:
        sock = self.transport.get_extra_info("socket")
        if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(level, option, value)

    def _make_room(self) -> None:
        """Close a connection if there are too many: this one if no other can be closed."""
        candidates = [other for other in self.connections if isinstance(other, Connection)]
        closing = self._limits.to_close(self, candidates, len(self.connections))
        if closing is not None:
            closing.close_to_make_room(is_new=closing is self)

    def close_to_make_room(self, *, is_new: bool) -> None:
        """Close this connection to make room. If it is new, or lacks the body of its request, answer 503."""
        stage = self.stage
        if is_new or stage is Stage.BODY:
            if self.cycle is not None:
                self.cycle.disconnected = True  # drops what the app may still send
            self._refuse(Unavailable("Too many connections are open"))
        elif stage is Stage.READER:
            self._end(stage)
        else:
            self._log_end("made room")
            self.transport.close()

    def _refuse(self, error: AppError) -> None:
        """Answer without the app, and close."""
        self._log_end(error.code)
        response = ProblemResponse(error, str(new_id()), self._error_pages)
        head = [f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}".encode(), b"connection: close"]
        head += [name + b": " + value for name, value in response.raw_headers]
        self.transport.write(b"\r\n".join([*head, b"", bytes(response.body)]))
        self.transport.close()

    def _log_end(self, reason: str) -> None:
        _log.info("connection ended", reason=reason, client=self.client[0] if self.client else None)

    def _stop_watching(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None


@lru_cache(maxsize=8)
def _limits_of(settings: HttpSettings) -> ConnectionLimits:
    return ConnectionLimits(settings)


def _settings_of(app: ASGIApp) -> HttpSettings:
    return app.settings.http if isinstance(app, AppWithContext) else HttpSettings()
