"""Email addresses in the one spelling that accounts are stored under; and names of people."""

import unicodedata
from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field

from insula.core.text.domains import ascii_domain
from insula.core.text.fields import Name


def fold(email: str) -> str:
    """Return the spelling under which an account's email is stored and looked up.

    The domain is spelled as in the DNS. The part before the @ is lower-cased only if it is ASCII: only the
    mailbox's server knows which other spellings it treats as equal.
    """
    local, at, domain = unicodedata.normalize("NFC", email.strip()).rpartition("@")
    if local.isascii():
        local = local.lower()
    try:
        return f"{local}{at}{ascii_domain(domain)}"
    except ValueError:
        return f"{local}{at}{domain}"  # not a valid domain: no account can have it


def _valid_address(email: str) -> str:
    """Refuse an invalid address, without asking the DNS: only a delivered email proves an address.

    The part before the @ must be ASCII: not every mail server on the way accepts anything else.
    """
    try:
        address = validate_email(fold(email), check_deliverability=False, allow_smtputf8=False).ascii_email
    except EmailNotValidError as error:
        raise ValueError("Value is not a valid email address") from error
    if address is None:
        raise ValueError("Value is not a valid email address")
    return address.lower()


EmailAddress = Annotated[
    str,
    Field(min_length=3, max_length=320, description="Case does not matter.", json_schema_extra={"format": "email"}),
    AfterValidator(_valid_address),
]

PersonName = Annotated[Name, Field(description="Your name, as others see it.")]
