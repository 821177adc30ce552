"""Fault 56: others are served in spite of half-sent bodies, slow readers and too many connections."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from threading import Event
from time import monotonic

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from insula.core.settings import HttpSettings, Settings
from insula.http.app_context import AppWithContext
from tests.http.test_server import served
from tests.support.app import serving, wait_until
from tests.support.wire import Wire, wired

TIMEOUT, MOST, MOST_OF_ONE, FLOOR = 1.0, 12, 8, 2_048
ASSET = "/static/swagger-ui-5.35.0/swagger-ui-bundle.js"  # more than a megabyte
CROWD, OTHER, THIRD, PROXY = "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.9"
HALF = ("POST /auth/refresh HTTP/1.1", "Host: localhost", "Content-Type: application/json", "Content-Length: 2", "")


@pytest.fixture(scope="module")
def address(settings: Settings) -> Iterator[str]:
    bounds = {
        "INSULA_HTTP_READ_ON_TIMEOUT": str(TIMEOUT),
        "INSULA_HTTP_READ_ON_RATE": str(FLOOR),
        "INSULA_HTTP_MAX_CONNECTIONS": str(MOST),
        "INSULA_HTTP_MAX_CONNECTIONS_PER_ADDRESS": str(MOST_OF_ONE),
        "INSULA_HTTP_TRUSTED_PROXIES": PROXY,
        "INSULA_LOG_LEVEL": "INFO",
    }
    with serving(settings, 0, **bounds) as address:
        yield address


class Open(ExitStack):
    """Connections that stay open until the end of a test."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address

    def one(self, source: str, window: int | None = None) -> Wire:
        return self.enter_context(wired(self.address, window, source))

    def half_sent(self, source: str) -> Wire:
        """Send a request without its body, and wait until the app waits for the body."""
        wire = self.one(source)
        wire.send(*HALF[:-1], "Expect: 100-continue", "")
        assert wire.socket.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        return wire

    def idle(self, source: str) -> Wire:
        wire = self.one(source)
        assert wire.get() == 200
        return wire


def ended(wires: list[Wire]) -> list[Wire]:
    return [wire for wire in wires if wire.has_news(0)]


def test_a_new_connection_closes_the_longest_silent_one_with_503(address: str) -> None:
    with Open(address) as open_:
        crowd = [open_.half_sent(CROWD) for _ in range(MOST_OF_ONE)]
        few = [open_.half_sent(OTHER) for _ in range(MOST - MOST_OF_ONE)]
        assert open_.one(THIRD).get() == 200
        wait_until(lambda: len(ended(crowd)) == 1)
        assert ended(few) == []
        assert ended(crowd) == crowd[:1]
        status, headers, problem = crowd[0].answer()
        assert (status, problem["code"], headers["connection"]) == (503, "unavailable", "close")

        crowd[1].socket.sendall(b"{}")  # the others are served when their bodies arrive
        assert crowd[1].answer()[0] == 422


def test_connections_of_one_address_are_limited_and_others_are_served(address: str) -> None:
    with Open(address) as open_:
        crowd = [open_.half_sent(CROWD) for _ in range(MOST_OF_ONE)]
        other = open_.half_sent(OTHER)
        for more in range(2 * MOST_OF_ONE):
            crowd.append(open_.half_sent(CROWD))
            wait_until(lambda more=more: len(ended(crowd)) == more + 1)  # type: ignore[misc]  # mypy sees no default
        assert len(crowd) - len(ended(crowd)) == MOST_OF_ONE
        other.socket.sendall(b"{}")
        assert other.answer()[0] == 422


def test_a_trusted_proxy_may_hold_more_connections_than_one_address(address: str) -> None:
    with Open(address) as open_:
        proxied = [open_.half_sent(PROXY) for _ in range(MOST)]
        assert ended(proxied) == []


def test_the_address_with_most_connections_loses_one_before_one_that_sent_less(address: str) -> None:
    with Open(address) as open_:
        silent = [open_.one(OTHER) for _ in range(MOST - MOST_OF_ONE)]
        idle = [open_.idle(CROWD) for _ in range(MOST_OF_ONE)]
        assert open_.one(THIRD).get() == 200
        wait_until(lambda: bool(ended(idle)))
        assert (len(ended(idle)), ended(silent)) == (1, [])


def test_a_steady_slow_reader_is_served_and_one_below_the_minimum_is_disconnected(address: str) -> None:
    asset_request = (f"GET {ASSET} HTTP/1.1", "Host: localhost", "Connection: close", "")
    with Open(address) as open_:
        steady, slower, wide = open_.one(OTHER, 4_096), open_.one(THIRD, 4_096), open_.one(OTHER)
        for wire in (steady, slower, wide):
            wire.send(*asset_request)
        began, cut = monotonic(), None
        while monotonic() - began < 7 * TIMEOUT:
            assert steady.socket.recv(FLOOR)
            assert wide.socket.recv(4 * FLOOR)  # its system reads 64 KB at a time, which is one step in two seconds
            if cut is None and slower.broken_off(0):
                cut = monotonic() - began
            slower.socket.recv(64) if cut is None else None
            steady.broken_off(0.25)  # the pace of the readers under test
        assert not steady.broken_off(0)
        assert not wide.broken_off(0)
        assert cut is not None
        assert cut > TIMEOUT


def test_slow_readers_from_many_addresses_are_disconnected_for_new_connections(address: str) -> None:
    with Open(address) as open_:
        slow = [open_.one(f"127.0.1.{n + 1}", 4_096) for n in range(MOST)]
        for wire in slow:
            wire.send(f"GET {ASSET} HTTP/1.1", "Host: localhost", "")
        assert all(wire.has_news(5) for wire in slow)
        began = monotonic()
        wait_until(lambda: all(_reads_on(wire) for wire in slow) and _is_served(address))
        assert monotonic() - began > TIMEOUT / 2  # until then they are ordinary readers
        assert 1 <= sum(not _reads_on(wire) for wire in slow) <= 2


def _reads_on(wire: Wire) -> bool:
    """Read a little; tell whether the response continues."""
    return not wire.broken_off(0) and bool(wire.socket.recv(FLOOR))


def _is_served(address: str) -> bool:
    with wired(address, source=THIRD) as wire:
        wire.send("GET /healthz HTTP/1.1", "Host: localhost", "")
        return wire.answer()[0] == httpx.codes.OK


class Busy(AppWithContext):
    """An app that answers when the test releases it."""

    def __init__(self, settings: HttpSettings) -> None:
        super().__init__(openapi_url=None)
        self.settings = Settings(http=settings)
        self.entered: list[str] = []
        self.go = Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - Starlette's signature
        self.entered.append(scope["path"])
        while not self.go.is_set():  # noqa: ASYNC110  set by another thread
            await asyncio.sleep(0.01)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})


def test_a_request_beyond_the_limit_gets_503_while_all_others_run() -> None:
    app = Busy(HttpSettings(max_connections=3))
    asgi: ASGIApp = app
    with served(asgi) as address, Open(address) as open_:
        busy = [open_.one(CROWD) for _ in range(3)]
        for wire in busy:
            wire.send("GET /work HTTP/1.1", "Host: localhost", "")
        wait_until(lambda: len(app.entered) == 3)
        status, headers, problem = open_.one(OTHER).answer()
        assert (status, problem["code"], headers["retry-after"]) == (503, "unavailable", "1")
        app.go.set()
        assert [wire.answer()[0] for wire in busy] == [200, 200, 200]
        assert open_.one(OTHER).get() == 200
