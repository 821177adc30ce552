"""The answer to "may this request pass?", and the header fields that tell the caller."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple, Self

from insula.limits.rates.ledger import WINDOW

CONCURRENT: Final = "concurrent-exports"
_UNTOLD: Final = 5
"""Seconds after which to try again where nobody can tell when it is worth it."""

Standing = tuple[str, int, float | None]
"""Where one policy stands: its name, what remains, and the seconds until more comes free, where that can be told."""


class Verdict(NamedTuple):
    """Immutable. ``policies`` is the value of ``RateLimit-Policy``: what applies to the request.

    An admitted request is told where each of them stands, as this process knows it, which may lag
    by one lease; a refused one only those that refuse it.
    """

    allowed: bool
    policies: str
    standings: Sequence[Standing]

    @property
    def remaining(self) -> int:
        """How many more requests would be admitted now."""
        return min(remaining for _, remaining, _ in self.standings)

    @property
    def retry_after(self) -> int:
        """Seconds until it is worth another try; 0 for an admitted request."""
        return 0 if self.allowed else max((_seconds(wait) for _, _, wait in self.standings), default=1)

    def beside(self, at_once: int, left: int | None) -> Self:
        """Return the verdict on what also needs a slot of ``at_once``; ``left`` is None where all are held."""
        policies = f'{self.policies}, "{CONCURRENT}";q={at_once};qu="concurrent-requests"'
        if left is None:
            return self._replace(allowed=False, policies=policies, standings=[(CONCURRENT, 0, None)])
        return self._replace(policies=policies, standings=[*self.standings, (CONCURRENT, left, None)])

    def headers(self) -> dict[str, str]:
        """Return ``RateLimit``, ``RateLimit-Policy`` (draft-ietf-httpapi-ratelimit-headers-11) and ``Retry-After``."""
        fields = {"RateLimit-Policy": self.policies, "RateLimit": self._standing()}
        return fields if self.allowed else {**fields, "Retry-After": str(self.retry_after)}

    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """Return the fields of an admitted request as they go over the wire."""
        return [(b"ratelimit-policy", self.policies.encode()), (b"ratelimit", self._standing().encode())]

    def _standing(self) -> str:
        told = ""
        for name, remaining, wait in self.standings:
            told += f', "{name}";r={remaining}'
            if wait is not None:
                # The second in which a slot ends can make the wait longer than the window, never than a longer one's.
                told += f";t={min(_seconds(wait), WINDOW) if wait <= WINDOW + 1 else _seconds(wait)}"
        return told[2:]


def _seconds(wait: float | None) -> int:
    return _UNTOLD if wait is None else max(1, math.ceil(wait))
