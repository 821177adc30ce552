"""Messages from templates, in text and HTML.

A template ``<name>.txt.jinja2`` begins with the subject, on a line of its own, and an empty line;
``<name>.html.jinja2`` is the same message as a page. The subject is taken as it stands in the file,
so nothing that people wrote gets into it.
"""

import hashlib
import re
from collections.abc import Mapping
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from insula import clock
from insula.errors import InvalidValue

_CONTROL: Final = re.compile("[\x00-\x1f\x7f\x80-\x9f\u2028\u2029]")
_MAX_ADDRESS: Final = 254
_POLICY: Final = SMTP.clone(max_line_length=998)


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("insula.mail"),
        autoescape=select_autoescape(["html.jinja2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def compose(*, sender: str, to: str, template: str, context: Mapping[str, str], message_key: str) -> EmailMessage:
    """Return the message that ``template`` makes of ``context``.

    Its Message-ID follows from ``message_key``, so that a receiver can tell a repetition. Raises
    InvalidValue for control characters, line breaks above all, and for what is no single address.
    """
    recipient = _address(to)
    if any(_CONTROL.search(value) for value in context.values()):
        raise InvalidValue("A text for a mail holds control characters")
    body = _templates().get_template(f"{template}.txt.jinja2").render(context).partition("\n\n")[2]
    message = EmailMessage(policy=_POLICY)
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = _subject(template)
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = _message_id(sender, message_key)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body)
    message.add_alternative(_templates().get_template(f"{template}.html.jinja2").render(context), subtype="html")
    return message


@lru_cache
def _subject(template: str) -> str:
    source = (files("insula.mail") / "templates" / f"{template}.txt.jinja2").read_text("utf-8")
    return source.partition("\n")[0].strip()


def _address(to: str) -> Address:
    try:
        if _CONTROL.search(to) or len(to) > _MAX_ADDRESS:
            raise InvalidValue("This is no mail address")
        address = Address(addr_spec=to)
    except (ValueError, HeaderParseError, IndexError):
        raise InvalidValue("This is no mail address") from None
    if not address.username or ("." not in address.domain and address.domain != "localhost"):
        raise InvalidValue("This is no mail address")
    return address


def _message_id(sender: str, message_key: str) -> str:
    domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    return f"<{hashlib.sha256(message_key.encode()).hexdigest()[:40]}@{domain}>"
