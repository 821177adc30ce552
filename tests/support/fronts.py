"""Proxies in front of the test's PostgreSQL: one requires TLS, one listens on a Unix socket."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from insula.core import clock
from insula.core.settings import Settings

SOCKET_PORT = 5432
_SSL_REQUEST = bytes.fromhex("0000000804d2162f")
_CHUNK = 65_536


@dataclass(frozen=True)
class Authority:
    """A certificate authority for a test, and a server's certificate signed by it."""

    certificate: Path
    server: ssl.SSLContext
    chain: Path


def authority(directory: Path, host: str | IPv4Address) -> Authority:
    """Create an authority and a certificate for ``host``."""
    directory.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"authority of {directory.name}")])
    now = clock.now()
    known = x509.IPAddress(host) if isinstance(host, IPv4Address) else x509.DNSName(host)

    def signed(subject: x509.Name, public: ec.EllipticCurvePublicKey, *, is_authority: bool) -> x509.Certificate:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(name).public_key(public)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=365))
        builder = builder.add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        if not is_authority:
            builder = builder.add_extension(x509.SubjectAlternativeName([known]), critical=False)
        return builder.sign(key, hashes.SHA256())

    server_key = ec.generate_private_key(ec.SECP256R1())
    server_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
    pem = serialization.Encoding.PEM
    root, chain = directory / "root.pem", directory / "server.pem"
    root.write_bytes(signed(name, key.public_key(), is_authority=True).public_bytes(pem))
    chain.write_bytes(
        signed(server_name, server_key.public_key(), is_authority=False).public_bytes(pem)
        + server_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return Authority(root, context, chain)


@dataclass
class Front:
    """A proxy in front of PostgreSQL, and counters of its connections."""

    host: str
    port: int
    encrypted: int = 0
    in_clear: int = 0


@contextmanager
def front(settings: Settings, directory: Path, tls: ssl.SSLContext | None = None) -> Iterator[Front]:
    """Forward to the database of ``settings``: with ``tls`` over TCP, otherwise by a socket in ``directory``."""
    ready, loop = Event(), asyncio.new_event_loop()
    found: list[Front] = []
    ended = asyncio.Event()

    async def run() -> None:
        async with _served(settings, directory, tls) as opened:
            found.append(opened)
            ready.set()
            await ended.wait()

    thread = Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    ready.wait()
    try:
        yield found[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


@asynccontextmanager
async def _served(settings: Settings, directory: Path, tls: ssl.SSLContext | None) -> AsyncIterator[Front]:
    place = urlsplit(settings.database_url)
    opened = Front("127.0.0.1" if tls else str(directory), SOCKET_PORT)
    tasks: set[asyncio.Task[None]] = set()

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(OSError, EOFError, ssl.SSLError):
            if tls is not None and not await _encrypt(opened, tls, reader, writer):
                writer.close()
                return
            away, back = await asyncio.open_connection(place.hostname, place.port)
            await asyncio.wait(
                [asyncio.ensure_future(_pipe(reader, back)), asyncio.ensure_future(_pipe(away, writer))],
            )

    if tls is not None:
        server = await asyncio.start_server(lead, "127.0.0.1", 0)
        opened.port = server.sockets[0].getsockname()[1]
    else:
        server = await asyncio.start_unix_server(lead, directory / f".s.PGSQL.{SOCKET_PORT}")
    yield opened
    server.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _encrypt(
    opened: Front, tls: ssl.SSLContext, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    if await reader.readexactly(len(_SSL_REQUEST)) != _SSL_REQUEST:
        opened.in_clear += 1
        return False
    writer.write(b"S")
    await writer.drain()
    await writer.start_tls(tls)
    opened.encrypted += 1
    return True


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, ssl.SSLError):
        while part := await reader.read(_CHUNK):
            writer.write(part)
            await writer.drain()
    with suppress(OSError, RuntimeError, ssl.SSLError):
        writer.close()
