"""An HTTP client that sends slowly, in pieces, or nothing."""

import json
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from urllib.parse import urlsplit

PATIENCE = 10.0


class Wire:
    """One connection."""

    def __init__(self, address: str, window: int | None = None, source: str | None = None) -> None:
        """Connect from ``source``; ``window`` is the size of the receive buffer."""
        place = urlsplit(address)
        self.socket = socket.socket()
        if window is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        if source is not None:
            self.socket.bind((source, 0))
        self.socket.settimeout(PATIENCE)
        self.socket.connect((place.hostname, place.port))

    def send(self, *lines: str) -> None:
        """Send these lines with line ends."""
        self.socket.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def drip(self, text: bytes) -> None:
        """Send ``text`` byte by byte, slowly, until there is a response or no text left."""
        for byte in text:
            if self.has_news(0.02):
                return
            self.socket.sendall(bytes([byte]))

    def get(self, path: str = "/healthz", **headers: str) -> int:
        """Send a complete request; return the response's status."""
        named = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send(f"GET {path} HTTP/1.1", "Host: localhost", *named, "")
        return self.answer()[0]

    def answer(self) -> tuple[int, dict[str, str], dict[str, object]]:
        """Return the next response: its status, its headers with lower-case names and its JSON."""
        response = HTTPResponse(self.socket)
        response.begin()
        fields = {name.lower(): value for name, value in response.getheaders()}
        body = response.read()
        return response.status, fields, json.loads(body) if b"{" in body[:1] else {}

    def has_news(self, seconds: float) -> bool:
        """Return whether data arrived, or the server closed the connection, within this time."""
        poll = select.poll()
        poll.register(self.socket, select.POLLIN | select.POLLHUP | select.POLLERR)
        return bool(poll.poll(seconds * 1000))

    def broken_off(self, seconds: float) -> bool:
        """Return whether the server resets the connection within this time; nothing is read."""
        poll = select.poll()
        poll.register(self.socket, select.POLLHUP | select.POLLERR)
        return bool(poll.poll(seconds * 1000))

    def is_closed(self) -> bool:
        """Return True once the server closes the connection; False if it sends data instead."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


@contextmanager
def wired(address: str, window: int | None = None, source: str | None = None) -> Iterator[Wire]:
    """Yield one connection, closed at the end."""
    wire = Wire(address, window, source)
    with wire.socket:
        yield wire
