"""Links in emails. Each carries a secret that can be used once; only its hash is stored."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self

from insula.core import clock
from insula.core.errors import AppError, Retry
from insula.core.ids import new_secret

VERIFY_PREFIX: Final = "insula_ev"
RESET_PREFIX: Final = "insula_pr"


class LinkRefused(AppError):
    """The link is invalid, used or expired; ask for another."""

    code, status = "link_refused", 400
    meaning = (
        "A link in an email works once, and for a limited time. When one is used, all others that were sent for the "
        "account stop working."
    )
    cure = "Offer to send another email."
    retry = Retry.NO


class Purpose(StrEnum):
    """The purpose of a link, which sets its lifetime and its page."""

    VERIFY = "verify"
    RESET = "reset"


_PREFIXES: Final = {Purpose.VERIFY: VERIFY_PREFIX, Purpose.RESET: RESET_PREFIX}
_LIFETIMES: Final = {Purpose.VERIFY: timedelta(hours=24), Purpose.RESET: timedelta(hours=1)}


@dataclass(frozen=True, slots=True)
class Link:
    """A new link; only the email holds the secret."""

    purpose: Purpose
    secret: str
    made_at: datetime

    @classmethod
    def new(cls, purpose: Purpose) -> Self:
        """Return a link with a new secret."""
        return cls(purpose, new_secret(_PREFIXES[purpose]), clock.now())

    @property
    def expires_at(self) -> datetime:
        """When it expires."""
        return self.made_at + _LIFETIMES[self.purpose]

    @property
    def name(self) -> str:
        """A name for it that does not reveal the secret."""
        return f"{self.purpose}:{hashed(self.secret).hex()}"

    def row(self) -> dict[str, object]:
        """Return the stored values."""
        return {"hash": hashed(self.secret), "now": self.made_at, "expires_at": self.expires_at}

    def url(self, origin: str) -> str:
        """Return its address. The secret is in the fragment, which browsers send to no server."""
        return f"{origin.rstrip('/')}/account/{self.purpose}#token={self.secret}"


def hashed(secret: str) -> bytes:
    """Return the stored hash of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
