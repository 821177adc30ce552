"""How mail leaves: by SMTP or, on a machine of one's own, into the mailbox."""

from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final

import aiosmtplib
import anyio.to_thread
import structlog

from insula.jobs import Mailer
from insula.mail.mailbox import LINK, Mailbox
from insula.settings import MailSettings, Settings

_TIMEOUT: Final = 10.0  # less than the database lets a transaction idle: the send is noted in one

_log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SmtpMailer:
    """Hands messages to an SMTP server, each over a connection of its own."""

    settings: MailSettings

    async def send(self, message: EmailMessage) -> None:
        """Return when the server has accepted the message."""
        await aiosmtplib.send(
            message,
            hostname=self.settings.host,
            port=self.settings.port,
            username=self.settings.username or None,
            password=self.settings.password.get_secret_value() or None,
            start_tls=self.settings.starttls,
            timeout=_TIMEOUT,
        )


@dataclass(frozen=True, slots=True)
class MailboxMailer:
    """Keeps messages in the local mailbox, and prints the links in them."""

    mailbox: Mailbox
    public_url: str

    async def send(self, message: EmailMessage) -> None:
        """Return when the message is in its file."""
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
