"""A client that speaks HTTP badly: slowly, in pieces, or not at all."""

import json
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from urllib.parse import urlsplit

PATIENCE = 10.0


class Wire:
    """One connection, and what goes over it."""

    def __init__(self, address: str, window: int | None = None, source: str | None = None) -> None:
        """Connect, from ``source``; ``window`` is how much the system takes in before it is read."""
        place = urlsplit(address)
        self.socket = socket.socket()
        if window is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        if source is not None:
            self.socket.bind((source, 0))
        self.socket.settimeout(PATIENCE)
        self.socket.connect((place.hostname, place.port))

    def send(self, *lines: str) -> None:
        """Send these lines, each with its end."""
        self.socket.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def drip(self, text: bytes) -> None:
        """Send ``text`` byte by byte, each as soon as it may be, until it is answered or over."""
        for byte in text:
            if self.has_news(0.02):
                return
            self.socket.sendall(bytes([byte]))

    def get(self, path: str = "/healthz", **headers: str) -> int:
        """Send a whole request; return the status of its answer."""
        named = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send(f"GET {path} HTTP/1.1", "Host: localhost", *named, "")
        return self.answer()[0]

    def answer(self) -> tuple[int, dict[str, str], dict[str, object]]:
        """Return the next answer: its status, its headers with small names and its JSON."""
        response = HTTPResponse(self.socket)
        response.begin()
        fields = {name.lower(): value for name, value in response.getheaders()}
        body = response.read()
        return response.status, fields, json.loads(body) if b"{" in body[:1] else {}

    def has_news(self, seconds: float) -> bool:
        """Tell whether something came, or the other side closed, within so long."""
        poll = select.poll()
        poll.register(self.socket, select.POLLIN | select.POLLHUP | select.POLLERR)
        return bool(poll.poll(seconds * 1000))

    def broken_off(self, seconds: float) -> bool:
        """Tell whether the other side breaks the connection off within so long; nothing is read."""
        poll = select.poll()
        poll.register(self.socket, select.POLLHUP | select.POLLERR)
        return bool(poll.poll(seconds * 1000))

    def is_closed(self) -> bool:
        """Read on until the other side closes; False if it sends something instead."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


@contextmanager
def wired(address: str, window: int | None = None, source: str | None = None) -> Iterator[Wire]:
    """Give one connection, closed at the end."""
    wire = Wire(address, window, source)
    with wire.socket:
        yield wire
