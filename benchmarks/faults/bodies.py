"""Four clients send the worst bodies; measured is how long ``/healthz`` takes meanwhile in the same process.

Each client sends its next request when the last one is answered, on one connection. The bodies are those that cost JSON
parsers most; those of a caller who is not admitted are refused unread.
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

from benchmarks.faults.stage import Stage
from benchmarks.faults.table import Bar, Cell, Table
from insula.http.kinds import BODY_BYTES
from insula.http.request.json import MAX_MEMBERS, MAX_VALUES
from tests.probe.books.schemas import BULK_LIMIT

CLIENTS: Final = 4
MOST_MS: Final = 20.0
_LOOK_SECONDS: Final = 0.005
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
class Seen:
    """The answers, counted by status, and the milliseconds of each request to ``/healthz``."""

    statuses: dict[int, int] = field(default_factory=dict)
    looks: list[float] = field(default_factory=list)


def bodies() -> Mapping[str, bytes]:
    """Return the worst bodies that a route accepts, by name."""
    few = MAX_VALUES - 2
    return {
        "numbers, too many": _filled(b"[", b"]"),
        "numbers, as many as may be": b"[" + b",".join([b"1"] * few) + b"]",
        "fractions": b"[" + b",".join([b"1.5e10"] * few) + b"]",
        "objects": b"[" + b",".join([b'{"a":1}'] * (few // 2)) + b"]",
        "one object": _unknown(few),
        "unknown fields": _unknown(MAX_MEMBERS),
        "nested": b"[" * (BODY_BYTES // 2) + b"]" * (BODY_BYTES // 2),
        "escapes": b'{"name": "' + rb"\u00e9" * ((BODY_BYTES - 20) // 6) + b'"}',
        "cut off": _filled(b"[", b"}"),
    }


async def measure(stage: Stage, pace: Pace) -> Table:
    """Measure ``/healthz`` beside each body, sent without credentials and by an admitted caller."""
    address = stage.addresses[0]
    key = await stage.key(_PLENTY)
    alone = await _beside(address, pace, ())
    rows: list[Mapping[str, Cell]] = []
    large = _filled(b"[", b"]", _WHOLE)
    many = b'{"items": [' + b",".join([_unknown(MAX_VALUES // BULK_LIMIT - 2)] * BULK_LIMIT) + b"]}"
    cases: list[tuple[str, str, str, bytes, Mapping[str, str]]] = [
        ("nobody", "numbers, 1 MiB", _ROUTE, large, {}),
        ("nobody", "numbers, too many", _ROUTE, bodies()["numbers, too many"], {}),
        *(("who may", name, _ROUTE, body, key) for name, body in bodies().items()),
        ("who may", "unknown fields, many times", _BULK, many, key),
    ]
    for caller, name, path, body, headers in cases:
        seen = await _beside(address, pace, [_request(path, body, headers)] * CLIENTS)
        rows.append(
            {
                "sent by": caller,
                "body": name,
                "bytes": len(body),
                "answered": ", ".join(f"{count} x {status}" for status, count in sorted(seen.statuses.items())),
                "p50 alone ms": round(median(alone.looks), 1),
                "p50 beside ms": round(median(seen.looks), 1),
                "added p50 ms": round(median(seen.looks) - median(alone.looks), 1),
                "p99 beside ms": round(quantiles(seen.looks, n=100)[98], 1),
            }
        )
    title = f"{CLIENTS} clients that send one body after another to one process; /healthz asked every 5 ms."
    return Table(title, rows, (Bar("added p50 ms", MOST_MS),), named_by=2)


async def _beside(address: str, pace: Pace, requests: Sequence[bytes]) -> Seen:
    seen = Seen()
    with _looking(address, seen):
        async with TaskGroup() as clients:
            tasks = [clients.create_task(_send(address, request, seen)) for request in requests]
            await sleep(pace.seconds)
            for task in tasks:
                task.cancel()
    return seen


async def _send(address: str, request: bytes, seen: Seen) -> None:
    place = urlsplit(address)
    while True:
        reader, writer = await open_connection(place.hostname, place.port)
        with suppress(ConnectionError, EOFError):
            while True:
                await _exchange(reader, writer, request, seen)
        writer.close()


async def _exchange(reader: StreamReader, writer: StreamWriter, request: bytes, seen: Seen) -> None:
    writer.write(request)
    await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
    await reader.readexactly(int(length))
    status = int(head.split(b" ", 2)[1])
    seen.statuses[status] = seen.statuses.get(status, 0) + 1
    if b"connection: close" in head:
        raise ConnectionResetError


@contextmanager
def _looking(address: str, seen: Seen) -> Iterator[None]:
    """Request ``/healthz`` again and again from a separate thread."""
    place, over = urlsplit(address), threading.Event()

    def look() -> None:
        connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=60)
        while not over.wait(_LOOK_SECONDS):
            begun = time.perf_counter()
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            seen.looks.append((time.perf_counter() - begun) * 1_000)
        connection.close()

    thread = threading.Thread(target=look)
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
