"""Fault 43: connections that are slow, silent, endless or too many are closed, and others are served."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from time import monotonic

import httpx
import pytest

from insula.core.settings import Settings
from tests.support.app import serving, web_process
from tests.support.wire import wired

HEAD_TIMEOUT, BODY_TIMEOUT, READ_ON_TIMEOUT, MOST = 1.0, 1.0, 1.0, 20
ASSET = "/static/swagger-ui-5.35.0/swagger-ui-bundle.js"  # more than a megabyte


@pytest.fixture(scope="module")
def address(settings: Settings) -> Iterator[str]:
    bounds = {
        "INSULA_HTTP_HEAD_TIMEOUT": str(HEAD_TIMEOUT),
        "INSULA_HTTP_BODY_TIMEOUT": str(BODY_TIMEOUT),
        "INSULA_HTTP_READ_ON_TIMEOUT": str(READ_ON_TIMEOUT),
        "INSULA_HTTP_MAX_CONNECTIONS": str(MOST),
        "INSULA_LOG_LEVEL": "WARNING",
    }
    with serving(settings, 0, **bounds) as address:
        yield address


def test_a_slow_request_head_is_refused_and_one_in_pieces_is_served(address: str) -> None:
    with wired(address) as slow, wired(address) as pieces:
        pieces.send("GET /healthz HTTP/1.1")
        pieces.send("Host: localhost", "X-Piece: 2")
        pieces.send("")
        slow.send("GET /healthz HTTP/1.1", "Host: localhost")
        slow.drip(b"X-Slow: " + b"a" * 1000)

        assert pieces.answer()[0] == 200
        status, headers, problem = slow.answer()
        assert (status, problem["code"], headers["connection"]) == (408, "request_timeout", "close")
        assert slow.is_closed()


def test_a_silent_connection_is_closed_and_one_that_pauses_between_requests_is_not(address: str) -> None:
    with wired(address) as silent, wired(address) as pausing:
        assert pausing.get() == 200
        assert silent.is_closed()
        assert pausing.get() == 200


def test_an_endless_request_head_is_refused_before_it_fills_the_memory(address: str) -> None:
    with wired(address) as endless, wired(address) as long:
        assert long.get(X_Long="a" * 8_000) == 200
        endless.socket.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Endless: " + b"a" * 70_000)
        status, _, problem = endless.answer()
        assert (status, problem["code"]) == (431, "header_too_large")
        assert endless.is_closed()


def test_a_missing_body_gets_408_and_one_in_pieces_is_read(address: str) -> None:
    head = ("POST /auth/refresh HTTP/1.1", "Host: localhost", "Content-Type: application/json", "Content-Length: 2", "")
    with wired(address) as absent, wired(address) as pieces:
        absent.send(*head)
        pieces.send(*head)
        pieces.socket.sendall(b"{")
        pieces.socket.sendall(b"}")

        assert pieces.answer()[0] == 422
        status, headers, problem = absent.answer()
        assert (status, problem["code"], headers["connection"]) == (408, "body_timeout", "close")


def test_a_body_sent_after_its_refusal_does_not_keep_the_connection(address: str) -> None:
    with wired(address) as stubborn:
        stubborn.send("POST /nowhere HTTP/1.1", "Host: localhost", "Content-Length: 1000", "")
        assert stubborn.answer()[0] == 404
        stubborn.drip(b"a" * 1000)
        assert stubborn.is_closed()


def test_a_reader_that_stops_is_disconnected_and_a_slow_one_gets_everything(address: str) -> None:
    whole = len(httpx.get(address + ASSET, headers={"Accept-Encoding": "identity"}).content)
    request = (f"GET {ASSET} HTTP/1.1", "Host: localhost", "Connection: close", "")
    with wired(address, window=4_096) as stopped, wired(address, window=4_096) as slow:
        stopped.send(*request)
        slow.send(*request)
        received, began = b"", monotonic()
        while part := slow.socket.recv(1 + whole // 40):
            received += part
            stopped.broken_off(0.05)  # the pace of the reader under test

        assert monotonic() - began > READ_ON_TIMEOUT
        assert len(received.partition(b"\r\n\r\n")[2]) == whole
        assert stopped.broken_off(5)


def test_readers_that_stop_do_not_fill_the_memory(address: str) -> None:
    before = _memory(address)
    with ExitStack() as stack:
        stopped = [stack.enter_context(wired(address, window=4_096)) for _ in range(MOST - 2)]
        for wire in stopped:
            wire.send(f"GET {ASSET} HTTP/1.1", "Host: localhost", "")
        assert all(wire.has_news(5) for wire in stopped)
        during = _memory(address)
        assert all(wire.broken_off(10) for wire in stopped)

    assert during - before < 20_000_000


def test_idle_connections_are_closed_for_new_ones_at_the_limit(address: str) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(wired(address)) for _ in range(MOST)]
        with wired(address) as one_more:
            assert one_more.get() == 200
        assert sum(wire.has_news(0) for wire in silent) == 1


def _memory(address: str) -> int:
    """Return the resident bytes of the server's process, from its metrics."""
    lines = httpx.get(f"{address}/metrics").text.splitlines()
    found = [line.split()[1] for line in lines if line.startswith("process_resident_memory_bytes")]
    return int(float(found[0]))


def test_a_pause_of_the_whole_process_closes_no_connection(settings: Settings) -> None:
    bound = {"INSULA_HTTP_HEAD_TIMEOUT": str(HEAD_TIMEOUT), "INSULA_LOG_LEVEL": "WARNING"}
    with web_process(settings, 0, **bound) as (address, process), wired(address) as wire, wired(address) as other:
        wire.send("GET /healthz HTTP/1.1")
        assert other.get() == 200
        process.send_signal(signal.SIGSTOP)
        wire.send("Host: localhost", "")
        assert not wire.has_news(2 * HEAD_TIMEOUT)
        process.send_signal(signal.SIGCONT)
        assert wire.answer()[0] == 200
