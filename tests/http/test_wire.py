"""Slow and chunked bodies, repeated headers and sockets, on a real server."""

import json
import socket
from contextlib import suppress

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.http.probe import build, configured, served

SLOW = configured(body_timeout=0.3, body_limit=200_000)


def _raw(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
        wire.sendall(request)
        received = b""
        with suppress(
            ConnectionResetError
        ):  # a server that closes with unread data resets the connection after its answer
            while part := wire.recv(65_536):
                received += part
    return received


def _post(*headers: str) -> bytes:
    lines = ("POST /api/v1/length HTTP/1.1", "Host: localhost", "Content-Type: text/plain", *headers, "", "")
    return "\r\n".join(lines).encode()


def test_a_missing_body_is_given_up() -> None:
    with served(build(SLOW)) as port:
        received = _raw(port, _post("Content-Length: 100") + b"only this")

    assert received.startswith(b"HTTP/1.1 408 ")
    assert json.loads(received.rsplit(b"\r\n\r\n", 1)[1])["code"] == "body_timeout"


def test_a_chunked_body_is_refused_at_the_limit() -> None:
    chunk = b"10000\r\n" + b"a" * 65_536 + b"\r\n"
    with served(build(SLOW)) as port:
        received = _raw(port, _post("Transfer-Encoding: chunked") + chunk * 4)
        small = _raw(port, _post("Transfer-Encoding: chunked", "Connection: close") + chunk + b"0\r\n\r\n")

    assert received.startswith(b"HTTP/1.1 413 ")
    assert small.startswith(b"HTTP/1.1 200 ")
    assert small.endswith(b"65536")


def test_repeated_identity_headers_are_refused() -> None:
    with served(build(SLOW)) as port:
        twice = _raw(port, _post("X-Tenant: acme", "X-Tenant: globex", "Content-Length: 0", "Connection: close"))
        once = _raw(port, _post("X-Tenant: acme", "Content-Length: 0", "Connection: close"))

    assert twice.startswith(b"HTTP/1.1 400 ")
    assert once.startswith(b"HTTP/1.1 200 ")


def test_a_head_request_gets_complete_headers_and_keeps_the_connection(capfd: pytest.CaptureFixture[str]) -> None:
    request_bytes = b"%b /api/v1/large HTTP/1.1\r\nHost: localhost\r\n%b\r\n"
    with served(build()) as port:
        twice = _raw(port, request_bytes % (b"HEAD", b"") + request_bytes % (b"HEAD", b"Connection: close\r\n"))
        got = _raw(port, request_bytes % (b"GET", b"Connection: close\r\n"))

    length = next(line for line in got.split(b"\r\n") if line.startswith(b"content-length: "))
    assert twice.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert twice.count(length) == 2
    assert twice.endswith(b"\r\n\r\n")
    assert "Exception" not in capfd.readouterr().err


def test_a_socket_passes_through_the_stack() -> None:
    with served(build()) as port, connect(f"ws://localhost:{port}/api/v1/echo") as wire:
        wire.send("salve")

        assert wire.recv() == "salve"
        assert wire.response is not None
        assert "x-request-id" in wire.response.headers


def test_a_refused_socket_is_closed_before_its_handshake() -> None:
    with (
        served(build()) as port,
        pytest.raises(InvalidStatus, match="403"),
        connect(f"ws://localhost:{port}/api/v1/refuse"),
    ):
        pass


def test_a_socket_from_a_foreign_page_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    with served(build()) as port:
        url = f"ws://localhost:{port}/api/v1/echo"
        with pytest.raises(InvalidStatus, match="403"), connect(url, origin=Origin("https://evil.example")):
            pass
        with pytest.raises(InvalidStatus, match="403"), connect(url, origin=Origin("http://[")):
            pass
        assert "request failed" not in capfd.readouterr().out
        with connect(url, origin=Origin(f"http://localhost:{port}")) as wire:
            wire.send("salve")

            assert wire.recv() == "salve"
