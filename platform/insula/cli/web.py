"""One web process: ``python -m insula.cli.web APPLICATION SOCKET READY DRAIN``, started by the supervisor."""

import contextlib
import os
import resource
import socket
import sys
from typing import Final

import uvicorn

from insula.core.collector import paused
from insula.http.kinds import MESSAGE_BYTES
from insula.http.server.protocol import Connection

APPLICATION: Final = "insula.asgi:create_app"


class _Config(uvicorn.Config):
    """Imports the application with garbage collection paused."""

    def load(self) -> None:
        with paused():
            super().load()


class _Server(uvicorn.Server):
    """Writes to a pipe when it serves."""

    def __init__(self, config: uvicorn.Config, ready: int) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        with os.fdopen(self._ready, "wb", buffering=0) as pipe, contextlib.suppress(BrokenPipeError):
            if self.started:
                pipe.write(b"1")


def configuration(drain_seconds: float, application: str = APPLICATION) -> uvicorn.Config:
    """Return the configuration of every web process, for ``insula run`` and ``insula serve``."""
    return _Config(
        application,
        factory=True,
        loop="uvloop",
        http=Connection,
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        ws_max_size=MESSAGE_BYTES,
        timeout_graceful_shutdown=max(1, round(drain_seconds)),
    )


def main(application: str, listening: str, ready: str, drain_seconds: str) -> None:
    """Serve the factory ``application`` on the socket ``listening`` until stopped."""
    # Each connection is an open file; INSULA_HTTP_MAX_CONNECTIONS bounds them, not the shell's limit.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    server = _Server(configuration(float(drain_seconds), application), int(ready))
    server.run(sockets=[socket.socket(fileno=int(listening))])


if __name__ == "__main__":
    main(*sys.argv[1:])
