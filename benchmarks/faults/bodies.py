"""Four clients send the worst bodies, and meanwhile requests to ``/healthz`` of the same process are timed.

Each client sends its next request when the last one is answered, on one connection. The bodies are those that cost JSON
parsers most; without credentials they are refused unread.
"""

import http.client
import threading
import time
from asyncio import StreamReader, StreamWriter, TaskGroup, open_connection, sleep
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from benchmarks.faults.table import Bar, Cell, Table
from benchmarks.faults.testbed import Testbed
from insula.http.kinds import BODY_BYTES
from insula.http.request.json import MAX_MEMBERS, MAX_VALUES
from tests.probe.books.schemas import BULK_LIMIT

CLIENTS: Final = 4
MOST_MS: Final = 20.0
_PAUSE_SECONDS: Final = 0.005
_PLENTY: Final = 100_000_000
_ROUTE: Final = "/api/v1/racks"
_BULK: Final = f"{_ROUTE}/{UUID(int=0)}/books/bulk"
_WHOLE: Final = 1_048_576


@dataclass(frozen=True, slots=True)
class Pace:
    """How many seconds each body is sent."""

    seconds: float


LONG: Final = Pace(seconds=8)
SHORT: Final = Pace(seconds=1.5)


@dataclass
class Measured:
    """The answers, counted by status, and the milliseconds of each request to ``/healthz``."""

    statuses: dict[int, int] = field(default_factory=dict)
    healthz_ms: list[float] = field(default_factory=list)


def bodies() -> Mapping[str, bytes]:
    """Return the worst bodies that a route accepts, by name."""
    few = MAX_VALUES - 2
    return {
        "numbers, too many": _filled(b"[", b"]"),
        "numbers, as many as allowed": b"[" + b",".join([b"1"] * few) + b"]",
        "fractions": b"[" + b",".join([b"1.5e10"] * few) + b"]",
        "objects": b"[" + b",".join([b'{"a":1}'] * (few // 2)) + b"]",
        "one object": _unknown(few),
        "unknown fields": _unknown(MAX_MEMBERS),
        "nested": b"[" * (BODY_BYTES // 2) + b"]" * (BODY_BYTES // 2),
        "escapes": b'{"name": "' + rb"\u00e9" * ((BODY_BYTES - 20) // 6) + b'"}',
        "cut off": _filled(b"[", b"}"),
    }


async def measure(testbed: Testbed, pace: Pace) -> Table:
    """Measure ``/healthz`` beside each body, sent without credentials and by an admitted caller."""
    address = testbed.addresses[0]
    key = await testbed.key(_PLENTY)
    alone = await _measure_beside(address, pace, ())
    rows: list[Mapping[str, Cell]] = []
    large = _filled(b"[", b"]", _WHOLE)
    many = b'{"items": [' + b",".join([_unknown(MAX_VALUES // BULK_LIMIT - 2)] * BULK_LIMIT) + b"]}"
    cases: list[tuple[str, str, str, bytes, Mapping[str, str]]] = [
        ("no credentials", "numbers, 1 MiB", _ROUTE, large, {}),
        ("no credentials", "numbers, too many", _ROUTE, bodies()["numbers, too many"], {}),
        *(("admitted caller", name, _ROUTE, body, key) for name, body in bodies().items()),
        ("admitted caller", "unknown fields, many times", _BULK, many, key),
    ]
    for caller, name, path, body, headers in cases:
        measured = await _measure_beside(address, pace, [_request(path, body, headers)] * CLIENTS)
        rows.append(
            {
                "sent by": caller,
                "body": name,
                "bytes": len(body),
                "answered": ", ".join(f"{count} x {status}" for status, count in sorted(measured.statuses.items())),
                "p50 alone ms": round(median(alone.healthz_ms), 1),
                "p50 beside ms": round(median(measured.healthz_ms), 1),
                "added p50 ms": round(median(measured.healthz_ms) - median(alone.healthz_ms), 1),
                "p99 beside ms": round(quantiles(measured.healthz_ms, n=100)[98], 1),
            }
        )
    title = f"{CLIENTS} clients that send one body after another to one process; /healthz asked every 5 ms."
    return Table(title, rows, (Bar("added p50 ms", MOST_MS),), named_by=2)


async def _measure_beside(address: str, pace: Pace, requests: Sequence[bytes]) -> Measured:
    measured = Measured()
    with _timing_healthz(address, measured):
        async with TaskGroup() as clients:
            tasks = [clients.create_task(_send(address, request, measured)) for request in requests]
            await sleep(pace.seconds)
            for task in tasks:
                task.cancel()
    return measured


async def _send(address: str, request: bytes, measured: Measured) -> None:
    place = urlsplit(address)
    while True:
        reader, writer = await open_connection(place.hostname, place.port)
        with suppress(ConnectionError, EOFError):
            while True:
                await _exchange(reader, writer, request, measured)
        writer.close()


async def _exchange(reader: StreamReader, writer: StreamWriter, request: bytes, measured: Measured) -> None:
    writer.write(request)
    await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
    await reader.readexactly(int(length))
    status = int(head.split(b" ", 2)[1])
    measured.statuses[status] = measured.statuses.get(status, 0) + 1
    if b"connection: close" in head:
        raise ConnectionResetError


@contextmanager
def _timing_healthz(address: str, measured: Measured) -> Iterator[None]:
    """Request ``/healthz`` again and again from a separate thread."""
    place, over = urlsplit(address), threading.Event()

    def request_healthz() -> None:
        connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=60)
        while not over.wait(_PAUSE_SECONDS):
            begun = time.perf_counter()
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            measured.healthz_ms.append((time.perf_counter() - begun) * 1_000)
        connection.close()

    thread = threading.Thread(target=request_healthz)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _unknown(number: int) -> bytes:
    return b"{" + b",".join(b'"%d":1' % name for name in range(number)) + b"}"


def _request(path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    named = {"Host": "localhost", "Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items()), "", ""]
    return "\r\n".join(lines).encode() + body


def _filled(start: bytes, end: bytes, size: int = BODY_BYTES) -> bytes:
    """Return a body of that size, filled with ones."""
    return start + b",".join([b"1"] * ((size - len(start) - len(end) + 1) // 2)) + end
