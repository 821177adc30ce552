"""The links that go out by mail: each carries a secret that is good once, and is stored by its hash."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self

from insula.core import clock
from insula.core.errors import AppError
from insula.core.ids import new_secret

VERIFY_PREFIX: Final = "insula_ev"
RESET_PREFIX: Final = "insula_pr"


class LinkRefused(AppError):
    """The link is not, or no longer, good; ask for another."""

    code, status = "link_refused", 400


class Purpose(StrEnum):
    """What a link is for; how long it is good for, and which page it leads to, follows from that."""

    VERIFY = "verify"
    RESET = "reset"


_PREFIXES: Final = {Purpose.VERIFY: VERIFY_PREFIX, Purpose.RESET: RESET_PREFIX}
_LIFETIMES: Final = {Purpose.VERIFY: timedelta(hours=24), Purpose.RESET: timedelta(hours=1)}


@dataclass(frozen=True, slots=True)
class Link:
    """A fresh link; the secret is in the mail and nowhere else."""

    purpose: Purpose
    secret: str
    made_at: datetime

    @classmethod
    def new(cls, purpose: Purpose) -> Self:
        """Return a link that nobody has."""
        return cls(purpose, new_secret(_PREFIXES[purpose]), clock.now())

    @property
    def expires_at(self) -> datetime:
        """Until when it is good."""
        return self.made_at + _LIFETIMES[self.purpose]

    @property
    def name(self) -> str:
        """What to call it where its secret must not stand."""
        return f"{self.purpose}:{hashed(self.secret).hex()}"

    def row(self) -> dict[str, object]:
        """Return what is stored of it."""
        return {"hash": hashed(self.secret), "now": self.made_at, "expires_at": self.expires_at}

    def url(self, origin: str) -> str:
        """Return its address. The secret is in the fragment, which no server and no log gets to see."""
        return f"{origin.rstrip('/')}/account/{self.purpose}#token={self.secret}"


def hashed(secret: str) -> bytes:
    """Return the hash by which a secret is stored."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
