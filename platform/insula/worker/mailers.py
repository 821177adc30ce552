"""Sends emails: by SMTP or, on a developer's machine, into the local mailbox."""

import asyncio
import socket
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final, Literal

import aiosmtplib
import anyio.to_thread
import structlog
from aiosmtplib.typing import Default

from insula.core.settings import MailSettings, Settings
from insula.core.terminal import Terminal, printable
from insula.jobs import ClaimEffect, Mailer, NotAccepted
from insula.mail.mailbox import LINK, Mailbox

_SUBMISSIONS: Final = 465  # RFC 8314: TLS from the first byte
_REFUSALS: Final = range(400, 600)
_DEFAULT: Final = Default.token
_PATIENT: Final = 1 / 4
_HURRIED: Final = 1 / 20
_NAMELESS: Final = "[127.0.0.1]"  # RFC 5321, 4.1.4: an address literal if the host name is unknown

_log: Final = structlog.get_logger(__name__)


class SmtpMailer:
    """Sends messages to an SMTP server, each over its own connection.

    Sending has a deadline, and each answer of the server before the message a shorter one. After a late answer
    the server counts as silent until it answers in time again: meanwhile only one message at a time waits as long
    as before. The others give up soon, so that they do not block the worker.
    """

    def __init__(self, settings: MailSettings) -> None:
        self.settings = settings
        self._naming: asyncio.Future[str] | None = None
        self._is_silent = self._is_probed = False

    async def send(self, message: EmailMessage, claim: ClaimEffect) -> None:
        """Return after the server has accepted the message."""
        probes = self._is_silent and not self._is_probed
        is_hurried = self._is_silent and not probes
        self._is_probed = self._is_probed or probes
        client: _Client | None = None
        try:
            async with asyncio.timeout(self.settings.timeout):
                hostname = await self._own_name()
                part = _HURRIED if is_hurried else _PATIENT
                client = _Client(self.settings, part * self.settings.timeout, hostname, claim)
                await client.connect()
                await client.send_message(message)
            client.leave()
        except TimeoutError:
            self._is_silent = True
            raise
        finally:
            if probes:
                self._is_probed = False
            if client is not None:
                client.close()
                self._is_silent = self._is_silent and not client.has_answered

    async def _own_name(self) -> str:
        """Return this machine's host name. Waits briefly for the name server, and only the first time."""
        is_first = self._naming is None
        if self._naming is None:
            self._naming = asyncio.ensure_future(asyncio.to_thread(socket.getfqdn))
        if is_first:
            await asyncio.wait([self._naming], timeout=_PATIENT * self.settings.timeout)
        return self._naming.result() if self._naming.done() else _NAMELESS


class _Client(aiosmtplib.SMTP):
    """An SMTP client that awaits the claim right before it sends the message."""

    has_answered = False
    """Whether the server has answered every command before the message."""

    def __init__(self, settings: MailSettings, patience: float, hostname: str, claim: ClaimEffect) -> None:
        implicit = settings.implicit_tls or settings.port == _SUBMISSIONS
        super().__init__(
            hostname=settings.host,
            port=settings.port,
            username=settings.username or None,
            password=settings.password.get_secret_value() or None,
            use_tls=implicit,
            start_tls=settings.starttls and not implicit,
            local_hostname=hostname,
            timeout=patience,
        )
        self._claim, self._deadline = claim, settings.timeout

    async def data(
        self,
        message: str | bytes,
        /,
        *,
        timeout: float | Literal[Default.token] | None = _DEFAULT,  # noqa: ARG002, ASYNC109  the library's signature
    ) -> aiosmtplib.SMTPResponse:
        """Send the message. Raises NotAccepted if the server refuses it."""
        self.has_answered = True
        await self._claim()
        try:
            return await super().data(message, timeout=self._deadline)  # it may still be accepted: no early time-out
        except aiosmtplib.SMTPDataError as error:
            if error.code in _REFUSALS:
                raise NotAccepted from error
            raise

    def leave(self) -> None:
        """Send QUIT without waiting for an answer, because the message is not marked as sent yet."""
        if self.protocol is not None and self.protocol.is_connected:
            self.protocol.write(b"QUIT\r\n")


@dataclass(frozen=True, slots=True)
class MailboxMailer:
    """Keeps messages in the local mailbox, and logs their links."""

    mailbox: Mailbox
    public_url: str
    terminal: Terminal | None = None
    """Where a developer sees the address of each email."""

    async def send(self, message: EmailMessage, claim: ClaimEffect) -> None:
        """Return after the message is saved to its file."""
        await claim()
        name = await anyio.to_thread.run_sync(self.mailbox.store, message.as_bytes(policy=SMTP))
        body = message.get_body(("plain",))
        links = LINK.findall(body.get_content()) if body is not None else []
        read = f"{self.public_url.rstrip('/')}/mailbox/{name}"
        _log.info("mail", to=str(message["To"]), subject=str(message["Subject"]), links=links, read=read)
        if self.terminal is not None:
            self.terminal.write(f"MAIL    to {printable(str(message['To']))}: {read}")


def mailer_of(settings: Settings) -> Mailer:
    """Return the mailer that the settings choose."""
    if settings.mail.host:
        return SmtpMailer(settings.mail)
    terminal = Terminal() if settings.log_format == "console" else None
    return MailboxMailer(Mailbox(settings.data_dir), settings.public_url, terminal)
