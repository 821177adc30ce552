"""Email addresses, under the one spelling that an account is kept by; and what people are called."""

import unicodedata
from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field

from insula.core.text.domains import ascii_domain
from insula.core.text.fields import Name


def fold(email: str) -> str:
    """Return the spelling under which an account's email is stored and looked up.

    The domain is the DNS's own spelling. Of the part before the @ only ASCII letters lose their
    case: what else means the same mailbox is for its server to say.
    """
    local, at, domain = unicodedata.normalize("NFC", email.strip()).rpartition("@")
    if local.isascii():
        local = local.lower()
    try:
        return f"{local}{at}{ascii_domain(domain)}"
    except ValueError:
        return f"{local}{at}{domain}"  # not a valid domain: no account can have it


def _deliverable(email: str) -> str:
    """Refuse what is no address, with no look at the DNS: the mail itself shows whether it arrives.

    The part before the @ is ASCII, since every server on a mail's way would have to take another.
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
    AfterValidator(_deliverable),
]

PersonName = Annotated[Name, Field(description="What others call you.")]
