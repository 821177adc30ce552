"""A proxy that injects faults between a resolver and its name server, over UDP and TCP."""

import asyncio
import socket
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Final, Protocol

import dns.flags
import dns.message
import dns.rcode

from tests.support.faulty import Fault, Faulty

_ADDRESS: Final = "127.0.0.1"
_TRIES: Final = 100
_PATIENCE: Final = 5.0
_Peer = tuple[str, int]


class _Sends(Protocol):
    """The transport that asyncio gives a datagram protocol, to send answers."""

    def sendto(self, data: bytes, peer: _Peer | None = None) -> None: ...

    def close(self) -> None: ...


class FaultyNames:
    """The proxy. A fault that does not apply to datagrams is replaced by its nearest equivalent.

    DRIP truncates the answer, so that it is fetched over a connection, which drips; RESET closes the port, which the
    kernel reports to senders; REFUSE answers REFUSED.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._fault, self._seconds = Fault.PASS, 0.0
        self._kept: list[tuple[bytes, _Peer]] = []
        self._transport: _Sends | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="faulty names", daemon=True)
        self._connections = Faulty(host, port)

    @property
    def port(self) -> int:
        """The port, the same for UDP and TCP."""
        return self._connections.port

    def start(self) -> None:
        """Listen on a port of loopback that is free for datagrams and connections."""
        self._thread.start()
        for _ in range(_TRIES):
            self._connections.start()
            try:
                self._call(self._open())
            except OSError:  # in use for UDP: the next may be free for both
                self._connections.stop()
                self._connections = Faulty(*self._server)
            else:
                return
        raise RuntimeError("no port is free for both")

    def stop(self) -> None:
        """Stop answering."""
        self._call(self._close())
        self._connections.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def strike(self, fault: Fault, *, seconds: float = 0.1) -> None:
        """Inject ``fault`` into every query and answer from now on."""
        self._connections.strike(fault, seconds=seconds)
        self._call(self._set(fault, seconds))

    def heal(self) -> None:
        """Forward everything again."""
        self.strike(Fault.PASS)

    async def _set(self, fault: Fault, seconds: float) -> None:
        self._fault, self._seconds = fault, seconds
        if fault is Fault.RESET:
            await self._close()
        elif self._transport is None:
            await self._open()
        kept, self._kept = self._kept, []
        for question, peer in kept:
            self.handle_query(question, peer)

    def handle_query(self, question: bytes, peer: _Peer) -> None:
        """Handle a query, subject to the fault."""
        if self._fault is Fault.FREEZE:
            self._kept.append((question, peer))
        elif self._fault in (Fault.DRIP, Fault.REFUSE):
            self._answer(_empty_answer(question, refused=self._fault is Fault.REFUSE), peer)
        elif self._fault is Fault.DELAY:
            self._loop.call_later(self._seconds, self._pass_on, question, peer)
        elif self._fault is Fault.PASS:
            self._pass_on(question, peer)

    def _pass_on(self, question: bytes, peer: _Peer) -> None:
        task = self._loop.create_task(self._fetch(question, peer))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _fetch(self, question: bytes, peer: _Peer) -> None:
        answered: asyncio.Future[bytes] = self._loop.create_future()
        transport, _ = await self._loop.create_datagram_endpoint(
            lambda: _Answer(answered), remote_addr=self._server, family=socket.AF_INET
        )
        try:
            transport.sendto(question)
            answer = await asyncio.wait_for(answered, _PATIENCE)
            if self._fault is Fault.DELAY:
                await asyncio.sleep(self._seconds)
            if self._fault is not Fault.SWALLOW:
                self._answer(answer, peer)
        finally:
            transport.close()

    def _answer(self, answer: bytes, peer: _Peer) -> None:
        if self._transport is not None:
            self._transport.sendto(answer, peer)

    async def _open(self) -> None:
        transport, _ = await self._loop.create_datagram_endpoint(
            lambda: _Question(self), local_addr=(_ADDRESS, self.port)
        )
        self._transport = transport

    async def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def _call(self, work: Coroutine[object, object, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)


class _Question(asyncio.DatagramProtocol):
    def __init__(self, proxy: FaultyNames) -> None:
        self._proxy = proxy

    def datagram_received(self, data: bytes, addr: _Peer) -> None:
        self._proxy.handle_query(data, addr)


class _Answer(asyncio.DatagramProtocol):
    def __init__(self, answered: asyncio.Future[bytes]) -> None:
        self._answered = answered

    def datagram_received(self, data: bytes, addr: _Peer) -> None:  # noqa: ARG002  asyncio's signature
        if not self._answered.done():
            self._answered.set_result(data)


def _empty_answer(question: bytes, *, refused: bool) -> bytes:
    answer = dns.message.make_response(dns.message.from_wire(question))
    if refused:
        answer.set_rcode(dns.rcode.REFUSED)
    else:
        answer.flags |= dns.flags.TC
    return answer.to_wire()


@contextmanager
def faulty_names(host: str, port: int) -> Iterator[FaultyNames]:
    """Run a proxy in front of a name server during the block."""
    proxy = FaultyNames(host, port)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
