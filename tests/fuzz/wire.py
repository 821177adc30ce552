"""Requests that no client library sends, as bytes on a socket. Each is answered below 500, or the server closes."""

import re
import socket
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from tests.fuzz.oracle import Finding
from tests.fuzz.tally import Tally

_PATHS: Final = (
    "/auth/login",
    "/auth/token",
    "/api/v1/racks",
    "/admin/v1/tenants",
    "/billing/v1/webhooks/stripe",
    "/nowhere",
)
_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
_SECONDS: Final = 10
_JSON: Final = b"Content-Type: application/json\r\n"
_END: Final = b"\r\n\r\n"


def send_malformed_requests(url: str) -> Tally:
    """Send each request to a path of each app."""
    tally = Tally()
    parts = urlsplit(url)
    for path in _PATHS:
        for name, request in requests_to(path.encode()):
            status = _status_of(parts.hostname or "", parts.port or 0, request)
            tally.count("on the wire", None, status)
            if status >= 500:
                tally.note([Finding("server_error", path, f"{status} for {name}", repr(request[:300]))])
    return tally


def requests_to(path: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the requests, each with its name."""
    post, get, body = b"POST " + path, b"GET " + path, b'{"a": 1}'
    host = b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    chunked = b"8\r\n" + body + b"\r\n0\r\n\r\n"
    heads = {
        "length and chunks": b"Content-Length: 8\r\nTransfer-Encoding: chunked",
        "chunks and length": b"Transfer-Encoding: chunked\r\nContent-Length: 3",
        "two lengths": b"Content-Length: 8\r\nContent-Length: 9",
        "a list of lengths": b"Content-Length: 8, 8",
        "a negative length": b"Content-Length: -1",
        "a signed length": b"Content-Length: +8",
        "a huge length": b"Content-Length: 99999999999999999999",
        "an encoding that is none": b"Transfer-Encoding: xchunked",
        "two encodings": b"Transfer-Encoding: gzip, chunked",
        "chunks, twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "a space before the colon": b"Content-Length : 8",
        "a folded header": b"X-A: 1\r\n b",
        "a NUL in a header": b"X-A: a\0b\r\nContent-Length: 8",
        "a bare CR in a header": b"X-A: a\rb\r\nContent-Length: 8",
        "a name that is none": b"X(A): 1\r\nContent-Length: 8",
        "two tokens": b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\nContent-Length: 8",
        "two hosts": b"Host: other\r\nContent-Length: 8",
        "a long header": b"X-A: " + b"a" * 100_000,
        "many headers": b"\r\n".join(b"X-%d: 1" % number for number in range(5_000)),
        "an upgrade": b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk",
        "a huge range": b"Range: bytes=" + b",".join([b"0-"] * 5_000),
        "a poisoned proxy": b'X-Forwarded-For: \xff, 1.2.3.4\r\nX-Forwarded-Host: evil\r\nForwarded: for="',
    }
    for name, head in heads.items():
        yield name, post + host + _JSON + head + _END + (chunked if b"hunked" in head else body)
    lines = {
        "no version": get + b"\r\n\r\n",
        "another version": get + b" HTTP/9.9\r\nHost: localhost\r\n\r\n",
        "HTTP/1.0 without a host": get + b" HTTP/1.0\r\n\r\n",
        "no host": get + b" HTTP/1.1\r\nConnection: close\r\n\r\n",
        "a whole address": b"GET http://evil" + path + host + b"\r\n",
        "a method that is none": b"G\0T " + path + host + b"\r\n",
        "a long method": b"A" * 5_000 + b" " + path + host + b"\r\n",
        "TRACE": b"TRACE " + path + host + b"\r\n",
        "CONNECT": b"CONNECT evil:443" + host + b"\r\n",
        "OPTIONS *": b"OPTIONS *" + host + b"\r\n",
        "a NUL in the path": get + b"%00" + host + b"\r\n",
        "half a surrogate pair in the path": get + b"/%ed%a0%80" + host + b"\r\n",
        "half a surrogate pair in the query": get + b"?search=%ed%a0%80" + host + b"\r\n",
        "raw bytes in the path": get + b"/\xff\xfe" + host + b"\r\n",
        "dots in the path": get + b"/../../etc/passwd" + host + b"\r\n",
        "many slashes": b"GET " + b"/" * 3_000 + path + host + b"\r\n",
        "a long target": get + b"?a=" + b"a" * 70_000 + host + b"\r\n",
        "many parameters": get + b"?" + b"&".join([b"limit=1"] * 1_500) + host + b"\r\n",
        "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200,
        "nothing but noise": bytes(range(256)) * 20,
        "chunks that lie": post + host + _JSON + b"Transfer-Encoding: chunked" + _END + b"FFFFFFFFFFFFFFFFF\r\nx",
        "a negative chunk": post + host + _JSON + b"Transfer-Encoding: chunked" + _END + b"-1\r\nx\r\n0\r\n\r\n",
        "long chunk extensions": post + host + _JSON + b"Transfer-Encoding: chunked" + _END + b"1;" + b"a" * 70_000,
        "a body cut short": post + host + _JSON + b"Content-Length: 100" + _END + body,
        "a body too many": post + host + _JSON + b"Content-Length: 8" + _END + body + get + host + b"\r\n",
    }
    yield from lines.items()


def _status_of(host: str, port: int, request: bytes) -> int:
    """Return the first status, or 400 if the server closed the connection without an answer."""
    seen = b""
    with socket.create_connection((host, port), timeout=_SECONDS) as line:
        try:
            line.sendall(request)
            line.shutdown(socket.SHUT_WR)
            while not _STATUS.search(seen) and (part := line.recv(65_536)):
                seen += part
        except (ConnectionError, TimeoutError):
            pass  # closed while sending, which is a refusal too
    found = _STATUS.search(seen)
    return int(found[1]) if found else 400
