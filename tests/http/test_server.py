"""Our protocol class for uvicorn: trailers, WebSockets, keep-alive, pipelined requests."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from websockets.sync.client import connect

from insula.core.settings import HttpSettings
from insula.http.server.protocol import Connection
from tests.http.probe import build, configured
from tests.support.app import free_port, wait_until
from tests.support.wire import wired

PROXYS_KEEP_ALIVE = 60.0  # nginx, AWS' load balancers


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    port = free_port()
    config = uvicorn.Config(
        app,
        port=port,
        http=Connection,
        log_level="critical",
        proxy_headers=False,
        lifespan="off",
        ws="websockets-sansio",
    )
    server = uvicorn.Server(config)
    thread = Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


async def _headers_after_the_body(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope, receive)
    await request.body()
    names = [name.decode() for name, _ in scope["headers"]]
    await JSONResponse({"names": names})(scope, receive, send)


def test_a_trailer_is_not_treated_as_a_header() -> None:
    with served(_headers_after_the_body) as address, wired(address) as wire:
        head = ("POST / HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked", "X-Early: 1", "")
        wire.send(*head, "2", "{}", "0", "X-Tenant: smuggled", "")
        names = wire.answer()[2]["names"]

    assert isinstance(names, list)
    assert "x-early" in names
    assert "x-tenant" not in names


def test_a_websocket_may_be_silent_longer_than_the_head_timeout() -> None:
    app = build(configured(head_timeout=0.2))
    with (
        served(app) as address,
        wired(address) as silent,
        connect(f"{address.replace('http', 'ws')}/v1/echo") as socket,
    ):
        assert silent.is_closed()  # a connection without a request was closed in this time
        socket.send("still here")
        assert socket.recv() == "still here"


def test_an_idle_connection_is_kept_longer_than_proxies_keep_it_and_closed_at_the_setting() -> None:
    assert HttpSettings().keep_alive_timeout > PROXYS_KEEP_ALIVE
    with served(build(configured(keep_alive_timeout=1))) as address, wired(address) as short:
        assert [short.get("/v1/see"), short.get("/v1/see")] == [200, 200]
        assert short.is_closed()
    with served(build()) as address, wired(address) as long:
        assert long.get("/v1/see") == 200
        assert not long.has_news(1.5)
        assert long.get("/v1/see") == 200


def test_pipelined_requests_are_answered_in_order() -> None:
    with served(build()) as address, wired(address) as wire:
        wire.send(*(line for n in range(3) for line in (f"GET /v1/things/{n} HTTP/1.1", "Host: localhost", "")))
        wire.send("GET /v1/large HTTP/1.1", "Host: localhost", "Connection: close", "")
        received = b""
        while part := wire.socket.recv(65_536):
            received += part

    assert received.count(b"HTTP/1.1 422") == 3
    assert json.loads(received.rpartition(b"\r\n\r\n")[2]) == ["abcdefgh"] * 500
