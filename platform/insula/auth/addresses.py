"""Email addresses, under the one spelling that an account is kept by; and what people are called."""

from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field, StringConstraints


def fold(email: str) -> str:
    """Return the spelling under which an account's email is stored and looked up."""
    folded = email.strip().casefold()
    if folded.isascii():
        return folded
    try:
        return _ascii(folded)
    except EmailNotValidError:
        return folded  # nobody's


def _deliverable(email: str) -> str:
    """Refuse what is no address, with no look at the DNS: the mail itself shows whether it arrives."""
    try:
        return _ascii(email.strip().casefold())
    except EmailNotValidError as error:
        raise ValueError("Value is not a valid email address") from error


def _ascii(email: str) -> str:
    # The part before the @ is ASCII and the domain is in the DNS's own spelling: no address looks like another.
    address = validate_email(email, check_deliverability=False, allow_smtputf8=False).ascii_email
    if address is None:
        raise EmailNotValidError
    return address.lower()


EmailAddress = Annotated[
    str,
    Field(min_length=3, max_length=320, description="Case does not matter.", json_schema_extra={"format": "email"}),
    AfterValidator(_deliverable),
]

PersonName = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=120, pattern=r"^[^\x00-\x1F\x7F-\x9F\u2028\u2029]+$"
    ),
    Field(description="What others call you."),
]
