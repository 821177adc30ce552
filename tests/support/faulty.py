"""A TCP proxy that injects faults: in front of PostgreSQL, Valkey, an SMTP server or a name server."""

import asyncio
import socket
import struct
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from threading import Thread
from typing import Final
from urllib.parse import urlsplit, urlunsplit

_CHUNK: Final = 65_536
_DROP: Final = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST
_HEAD: Final = 8
_STARTUP: Final = 196608
_ENCRYPTION: Final = (80877103, 80877104)  # PostgreSQL's SSLRequest and GSSENCRequest
_WAITING: Final = 64  # pieces, each way


class Fault(StrEnum):
    """The effect of a fault on bytes in transit."""

    PASS = "pass"
    FREEZE = "freeze"
    """Nothing is forwarded; once healed, everything arrives."""
    SWALLOW = "swallow"
    """Bytes are dropped; a connection that lost some is silent forever."""
    DELAY = "delay"
    DRIP = "drip"
    """One byte at a time."""
    RESET = "reset"
    REFUSE = "refuse"
    """New connections are refused and open ones are reset."""


@dataclass(frozen=True)
class Wire:
    """One connection: its number, and the data of PostgreSQL's startup message."""

    number: int
    user: str = ""
    application: str = ""


Only = Callable[[Wire], bool]


@dataclass(frozen=True)
class Injection:
    """A fault and the connections that it affects: by default all, open and new."""

    fault: Fault = Fault.PASS
    seconds: float = 0.1
    """The delay of each piece for DELAY, of each byte for DRIP."""
    only: Only | None = None
    open_before: int | None = None
    """Affect only connections with lower numbers."""

    def on(self, wire: Wire) -> Fault:
        """Return the fault of this connection."""
        if self.open_before is not None and wire.number >= self.open_before:
            return Fault.PASS
        return self.fault if self.only is None or self.only(wire) else Fault.PASS


def of_role(*users: str) -> Only:
    """Select the connections of these PostgreSQL roles."""
    return lambda wire: wire.user in users


class Faulty:
    """The proxy, on its own thread and event loop, so that a blocked test does not slow it down."""

    def __init__(self, host: str, port: int, *, postgres: bool = False) -> None:
        self.upstream = (host, port)
        self._reads_startup = postgres  # other servers may speak first
        self.port = 0
        self._weather = Injection()
        self._changed = asyncio.Event()
        self._wires: dict[int, tuple[Wire, tuple[asyncio.StreamWriter, ...]]] = {}
        self._last_received: dict[int, float] = {}
        self._lost: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.made = 0
        """How many connections there have been."""
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="faulty", daemon=True)

    def start(self) -> None:
        """Listen on a free port of loopback."""
        self._thread.start()
        self._call(self._listen())

    def stop(self) -> None:
        """Cut every connection and stop."""
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def strike(self, fault: Fault, *, seconds: float = 0.1, only: Only | None = None, open_only: bool = False) -> None:
        """Inject ``fault`` from now on into all connections, ``only`` some, or only those open now."""
        self._call(self._set(fault, seconds, only, open_only=open_only))

    def heal(self) -> None:
        """Forward everything again."""
        self.strike(Fault.PASS)

    def wires(self) -> list[Wire]:
        """Return the connections that are open."""
        return [wire for wire, _ in list(self._wires.values())]

    def heard_since(self, moment: float, only: Only) -> int:
        """Return how many of these open connections got bytes from the server after this ``time.monotonic()``."""
        return sum(only(wire) and self._last_received.get(wire.number, 0.0) > moment for wire in self.wires())

    def url(self, url: str) -> str:
        """Return ``url`` through this proxy."""
        parts = urlsplit(url)
        user, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{user}{at}127.0.0.1:{self.port}"))

    def _call(self, work: Coroutine[object, object, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", self.port, reuse_address=True)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _end(self) -> None:
        await self._close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _set(self, fault: Fault, seconds: float, only: Only | None, *, open_only: bool) -> None:
        self._weather = Injection(fault, seconds, only, self.made if open_only else None)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        if fault is Fault.REFUSE and only is None:
            await self._close()
        elif self._server is None:
            await self._listen()
        for wire, writers in list(self._wires.values()):
            if self._weather.on(wire) in (Fault.RESET, Fault.REFUSE):
                _reset(*writers)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.made += 1
        number, onward = self.made - 1, None
        self._wires[number] = (Wire(number), (writer,))
        try:
            head, wire = b"", Wire(number)
            if self._reads_startup:
                head, wire = await self._introduced(reader, writer, number)
            self._wires[number] = (wire, (writer,))
            if self._weather.on(wire) in (Fault.RESET, Fault.REFUSE):
                _reset(writer)
                return
            upstream, onward = await asyncio.open_connection(*self.upstream)
            self._wires[number] = (wire, (writer, onward))
            there = asyncio.create_task(self._pump(wire, reader, onward, head, answers=False))
            back = asyncio.create_task(self._pump(wire, upstream, writer, b"", answers=True))
            try:
                await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
            finally:
                there.cancel()
                back.cancel()
                await asyncio.gather(there, back, return_exceptions=True)
        except OSError:
            pass
        finally:
            del self._wires[number]
            self._last_received.pop(number, None)
            self._lost.discard(number)
            for end in (writer, onward):
                if end is not None:
                    end.close()

    async def _introduced(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> tuple[bytes, Wire]:
        """Read the first bytes and, if they are PostgreSQL's startup message, its role."""
        while True:
            head = await reader.read(_CHUNK)
            while self._weather.on(Wire(number)) is Fault.FREEZE:
                await self._changed.wait()
            kind = struct.unpack("!i", head[4:_HEAD])[0] if len(head) >= _HEAD else 0
            if kind == _STARTUP:
                parameters = _parameters_of(head)
                return head, Wire(number, parameters.get("user", ""), parameters.get("application_name", ""))
            if kind not in _ENCRYPTION or self._weather.on(Wire(number)) is not Fault.PASS:
                return head, Wire(number)
            writer.write(b"N")  # no encryption here, so that the startup message can be read

    async def _pump(
        self, wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes, *, answers: bool
    ) -> None:
        """Forward bytes, subject to the fault, until this side ends."""
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_WAITING)
        sending = asyncio.create_task(self._send(wire, pieces, writer, answers=answers))
        try:
            with suppress(OSError):
                while piece := head or await reader.read(_CHUNK):
                    head = b""
                    await pieces.put((self._loop.time(), piece))
            await pieces.put((0.0, b""))
            await sending
        finally:
            sending.cancel()

    async def _send(
        self,
        wire: Wire,
        pieces: "asyncio.Queue[tuple[float, bytes]]",
        writer: asyncio.StreamWriter,
        *,
        answers: bool,
    ) -> None:
        with suppress(OSError):
            while True:
                arrived, piece = await pieces.get()
                while (fault := self._weather.on(wire)) is Fault.FREEZE:
                    await self._changed.wait()
                is_lost = wire.number in self._lost or fault is Fault.SWALLOW
                if not piece:
                    if is_lost and answers:
                        await asyncio.Event().wait()  # the end of the connection is not forwarded either
                    return
                if is_lost:
                    self._lost.add(wire.number)
                elif fault is Fault.DRIP:
                    await self._drip(wire, piece, writer)
                else:
                    if fault is Fault.DELAY:
                        await asyncio.sleep(arrived + self._weather.seconds - self._loop.time())
                    writer.write(piece)
                    await writer.drain()
                    if answers:
                        self._last_received[wire.number] = self._loop.time()

    async def _drip(self, wire: Wire, piece: bytes, writer: asyncio.StreamWriter) -> None:
        for place in range(len(piece)):
            if self._weather.on(wire) is not Fault.DRIP:
                writer.write(piece[place:])
                break
            await asyncio.sleep(self._weather.seconds)
            writer.write(piece[place : place + 1])
        await writer.drain()


def _parameters_of(head: bytes) -> dict[str, str]:
    words = [word.decode(errors="replace") for word in head[_HEAD:].split(b"\0")]
    return dict(zip(words[::2], words[1::2], strict=False))


def _reset(*writers: asyncio.StreamWriter) -> None:
    for writer in writers:
        plug: socket.socket | None = writer.get_extra_info("socket")
        if plug is not None:
            with suppress(OSError):
                plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DROP)
        writer.transport.abort()


@contextmanager
def faulty(url: str, default_port: int = 0) -> Iterator[Faulty]:
    """Run a proxy in front of the server of ``url`` during the block."""
    parts = urlsplit(url)
    proxy = Faulty(
        parts.hostname or "127.0.0.1", parts.port or default_port, postgres=parts.scheme.startswith("postgresql")
    )
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
