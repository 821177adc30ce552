"""How mail leaves: by SMTP or, on a machine of one's own, into the mailbox."""

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
from insula.jobs import Claim, Mailer, NotAccepted
from insula.mail.mailbox import LINK, Mailbox

_SUBMISSIONS: Final = 465  # RFC 8314: TLS from the first byte
_REFUSALS: Final = range(400, 600)
_DEFAULT: Final = Default.token
_PATIENT: Final = 1 / 4
_HURRIED: Final = 1 / 20
_NAMELESS: Final = "[127.0.0.1]"  # RFC 5321, 4.1.4: an address where the name is not known

_log: Final = structlog.get_logger(__name__)


class SmtpMailer:
    """Hands messages to an SMTP server, each over a connection of its own.

    The whole has one deadline; each answer before the message is sent must come within a part of it.
    Once one did not, the server counts as silent until it answers: one message at a time is as patient
    as before, the others give up soon, so that they do not keep the worker from what comes next.
    """

    def __init__(self, settings: MailSettings) -> None:
        self.settings = settings
        self._naming: asyncio.Future[str] | None = None
        self._is_silent = self._is_probed = False

    async def send(self, message: EmailMessage, claim: Claim) -> None:
        """Return when the server has accepted the message."""
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
        """Return what this machine is called. Waits once, and not for long, for the name server."""
        is_first = self._naming is None
        if self._naming is None:
            self._naming = asyncio.ensure_future(asyncio.to_thread(socket.getfqdn))
        if is_first:
            await asyncio.wait([self._naming], timeout=_PATIENT * self.settings.timeout)
        return self._naming.result() if self._naming.done() else _NAMELESS


class _Client(aiosmtplib.SMTP):
    """An SMTP client that claims a message right before it sends it."""

    has_answered = False
    """Whether the server has answered all but the message."""

    def __init__(self, settings: MailSettings, patience: float, hostname: str, claim: Claim) -> None:
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
        timeout: float | Literal[Default.token] | None = _DEFAULT,  # noqa: ARG002, ASYNC109  as the library's own
    ) -> aiosmtplib.SMTPResponse:
        """Send the message. Raises NotAccepted if the server says that it has not taken it."""
        self.has_answered = True
        await self._claim()
        try:
            return await super().data(message, timeout=self._deadline)  # it may still be taken: not left early
        except aiosmtplib.SMTPDataError as error:
            if error.code in _REFUSALS:
                raise NotAccepted from error
            raise

    def leave(self) -> None:
        """Say goodbye without waiting for an answer: what was sent is not yet marked as sent."""
        if self.protocol is not None and self.protocol.is_connected:
            self.protocol.write(b"QUIT\r\n")


@dataclass(frozen=True, slots=True)
class MailboxMailer:
    """Keeps messages in the local mailbox, and prints the links in them."""

    mailbox: Mailbox
    public_url: str

    async def send(self, message: EmailMessage, claim: Claim) -> None:
        """Return when the message is in its file."""
        await claim()
        name = await anyio.to_thread.run_sync(self.mailbox.keep, message.as_bytes(policy=SMTP))
        body = message.get_body(("plain",))
        links = LINK.findall(body.get_content()) if body is not None else []
        read = f"{self.public_url.rstrip('/')}/mailbox/{name}"
        _log.info("mail", to=str(message["To"]), subject=str(message["Subject"]), links=links, read=read)


def mailer_of(settings: Settings) -> Mailer:
    """Return the mailer that ``settings`` ask for."""
    if settings.mail.host:
        return SmtpMailer(settings.mail)
    return MailboxMailer(Mailbox(settings.data_dir), settings.public_url)
