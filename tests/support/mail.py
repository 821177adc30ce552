"""A real SMTP server that stores the emails."""

import asyncio
from asyncio import get_running_loop
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import IPv4Address
from pathlib import Path
from typing import Literal

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from insula.core.settings import MailSettings, Settings
from tests.support.app import free_port
from tests.support.databases import administer
from tests.support.fronts import Authority, authority


@dataclass
class Sink:
    """The received emails, in order, and settings to refuse, delay or not answer them."""

    port: int
    messages: list[EmailMessage] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    """The recipient of each message. Parsing it from the message takes a millisecond, and tests search often."""
    recipients: list[list[str]] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    """The number of emails to refuse temporarily, by address, since other tests' emails may still arrive."""
    losses: Counter[str] = field(default_factory=Counter)
    """The number of emails after which the connection is dropped without an answer, by address."""
    holds: dict[str, Literal["RCPT", "DATA"]] = field(default_factory=dict)
    """The stage at which emails to an address wait: before the data, or received but not answered."""
    held: list[str] = field(default_factory=list)
    names: dict[str, str | None] = field(default_factory=dict)
    """The host name of the client that last sent an email to an address."""

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name and parameters
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Accept any recipient."""
        await self._hold(address, "RCPT")
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        """Accept a message, or refuse it for now."""
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        address = str(message["To"])
        if self.refusals[address]:
            self.refusals[address] -= 1
            return "451 try again later"
        self.names[address] = session.host_name
        self.messages.append(message)
        self.addresses.append(address)
        self.recipients.append(list(envelope.rcpt_tos))
        await self._hold(address, "DATA")
        if self.losses[address]:
            self.losses[address] -= 1
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        return "250 taken"

    async def _hold(self, address: str, stage: str) -> None:
        if self.holds.get(address) != stage:
            return
        self.held.append(address)
        while self.holds.get(address) == stage:  # noqa: ASYNC110  changed by another thread
            await asyncio.sleep(0.005)

    def settings(self, settings: Settings) -> Settings:
        """Return ``settings`` that send emails here."""
        mail = MailSettings(host="127.0.0.1", port=self.port, starttls=False, sender="Insula <no-reply@insula.example>")
        return settings.model_copy(update={"mail": mail})

    def to(self, address: str) -> list[EmailMessage]:
        """Return the messages to one address."""
        arrived = zip(
            self.messages, self.addresses, strict=False
        )  # another thread may have appended to only one of the two
        return [message for message, known in arrived if known == address]


@pytest.fixture
def sink(settings: Settings) -> Iterator[Sink]:
    """Run an SMTP server for one test. Delete the hundreds of jobs of other tests that a worker would run first."""
    asyncio.run(administer(settings, "DELETE FROM jobs.procrastinate_jobs WHERE status = 'todo'"))
    sink = Sink(free_port())
    controller = Controller(sink, hostname="127.0.0.1", port=sink.port)
    controller.start()
    yield sink
    controller.stop()


@dataclass
class TlsSink(Sink):
    """A sink with TLS from the first byte, and its certificate authority."""

    authority: Authority = field(kw_only=True)


@pytest.fixture
async def tls_sink(tmp_path: Path) -> AsyncIterator[TlsSink]:
    """Run an SMTP server for one test, encrypted as on port 465."""
    sink, loop = (
        TlsSink(free_port(), authority=authority(tmp_path / "smtp", IPv4Address("127.0.0.1"))),
        get_running_loop(),
    )
    tls = sink.authority.server
    async with await loop.create_server(lambda: SMTP(sink, loop=loop), "127.0.0.1", sink.port, ssl=tls):
        yield sink
