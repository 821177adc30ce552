"""A name server on loopback, over real sockets, with the records that a test publishes."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest
from dns.rdtypes.ANY.TXT import TXT

from insula.tenancy import DnsResolver

ADDRESS = "127.0.0.1"
_DATAGRAM = 1232
_TRIES = 100


def _one_port() -> tuple[socket.socket, socket.socket]:
    """Return a socket for datagrams and one for connections, on one port."""
    for _ in range(_TRIES):
        tcp = socket.create_server((ADDRESS, 0))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind(tcp.getsockname())
        except OSError:  # in use for TCP or UDP; the next port may be free for both
            udp.close()
            tcp.close()
        else:
            return udp, tcp
    raise RuntimeError("no port is free for both")


class NameServer:
    """Answers TXT queries over UDP and, if the answer is too long, over TCP."""

    def __init__(self) -> None:
        self.queries: list[str] = []
        self._texts: dict[str, list[str]] = {}
        self._silent: set[str] = set()
        self._lock = Lock()
        self._ended = Event()
        self._udp, self._tcp = _one_port()
        self.port: int = self._udp.getsockname()[1]
        for open_socket in (self._udp, self._tcp):
            open_socket.settimeout(0.1)
        self._threads = [Thread(target=run, daemon=True) for run in (self._serve_udp, self._serve_tcp)]

    def publish(self, name: str, *texts: str) -> None:
        """Set the TXT records of ``name``."""
        with self._lock:
            self._texts[name.lower()] = list(texts)

    def fall_silent(self, name: str) -> None:
        """Never answer for ``name``."""
        with self._lock:
            self._silent.add(name.lower())

    def resolver(self, seconds: float = 3.0) -> DnsResolver:
        """Return a resolver that asks this server."""
        return DnsResolver([(ADDRESS, self.port)], seconds)

    def start(self) -> None:
        """Begin to answer."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop answering."""
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._udp.close()
        self._tcp.close()

    def _serve_udp(self) -> None:
        while not self._ended.is_set():
            try:
                wire, peer = self._udp.recvfrom(_DATAGRAM)
            except TimeoutError:
                continue
            answer = self._answer(wire, _DATAGRAM)
            if answer is not None:
                self._udp.sendto(answer, peer)

    def _serve_tcp(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._tcp.accept()
            except TimeoutError:
                continue
            with connection:
                connection.settimeout(1)
                wire = connection.recv(int.from_bytes(connection.recv(2)))
                answer = self._answer(wire, 65_535)
                if answer is not None:
                    connection.sendall(len(answer).to_bytes(2) + answer)

    def _answer(self, wire: bytes, size: int) -> bytes | None:
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return None
        [question] = query.question
        name = question.name.to_text(omit_final_dot=True).lower()
        with self._lock:
            self.queries.append(name)
            if name in self._silent:
                return None
            texts = self._texts.get(name)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if texts is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif texts and question.rdtype == dns.rdatatype.TXT:
            response.answer.append(dns.rrset.from_rdata(question.name, 60, *map(_record, texts)))
        try:
            return response.to_wire(max_size=size)
        except dns.exception.TooBig:
            response.answer.clear()
            response.flags |= dns.flags.TC
            return response.to_wire()


def _record(text: str) -> TXT:
    strings = tuple(text[at : at + 255].encode() for at in range(0, len(text), 255))
    return TXT(dns.rdataclass.IN, dns.rdatatype.TXT, strings or (b"",))


@contextmanager
def serving_names() -> Iterator[NameServer]:
    """Run a name server until the end of the block."""
    server = NameServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def dns_server() -> Iterator[NameServer]:
    """Run the name server that the live application asks."""
    with serving_names() as server:
        yield server
