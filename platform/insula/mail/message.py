"""Messages from templates, in text and HTML."""

import hashlib
import re
from collections.abc import Mapping
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Final

from insula.core import clock
from insula.core.errors import InvalidValue
from insula.core.look import DEFAULT_ACCENT, Look
from insula.mail.templates import EmailTemplate

_CONTROL: Final = re.compile("[\x00-\x1f\x7f\x80-\x9f\u2028\u2029]")
_MAX_ADDRESS: Final = 254
_POLICY: Final = SMTP.clone(max_line_length=998)


def compose(  # noqa: PLR0913 - the parts of a message, each named by the caller
    *,
    sender: str,
    brand: str,
    to: str,
    template: EmailTemplate,
    context: Mapping[str, str],
    message_key: str,
    accent: str = DEFAULT_ACCENT,
) -> EmailMessage:
    """Return the message rendered from ``template`` with ``context``, in the product's name and accent colour.

    Its Message-ID is derived from ``message_key``, so that a receiver can recognise duplicates. Raises InvalidValue
    for control characters such as line breaks, and for anything but one address.
    """
    recipient = _address(to)
    if any(_CONTROL.search(value) for value in context.values()):
        raise InvalidValue("A text for an email contains control characters")
    colours = Look(brand, accent).colours
    values = {
        **context,
        "brand": brand,
        "accent": str(colours.light),
        "accent_dark": str(colours.dark),
        "on_accent": str(colours.on_light),
        "on_accent_dark": str(colours.on_dark),
    }
    message = EmailMessage(policy=_POLICY)
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = template.subject(brand)
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = _message_id(sender, message_key)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(template.text(values))
    message.add_alternative(template.html(values), subtype="html")
    return message


def _address(to: str) -> Address:
    try:
        if _CONTROL.search(to) or len(to) > _MAX_ADDRESS:
            raise InvalidValue("This is not an email address")
        address = Address(addr_spec=to)
    except (ValueError, HeaderParseError, IndexError):
        raise InvalidValue("This is not an email address") from None
    if not address.username or ("." not in address.domain and address.domain != "localhost"):
        raise InvalidValue("This is not an email address")
    return address


def _message_id(sender: str, message_key: str) -> str:
    domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    return f"<{hashlib.sha256(message_key.encode()).hexdigest()[:40]}@{domain}>"
