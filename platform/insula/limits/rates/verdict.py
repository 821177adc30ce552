"""The answer to "may this request pass?", and its header fields for the caller."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple, Self

from insula.limits.rates.ledger import WINDOW

CONCURRENT: Final = "concurrent-exports"
_UNKNOWN_WAIT: Final = 5
"""``Retry-After`` in seconds where the wait is unknown."""

Standing = tuple[str, int, float | None]
"""The state of one policy: its name, the remaining requests, and the seconds until more are free, if known."""


class Verdict(NamedTuple):
    """Whether a request is admitted. ``policies`` is the value of ``RateLimit-Policy``: the limits that apply.

    ``standings`` of an admitted request cover each policy, as this process knows it, which may lag by one lease;
    those of a refused request only the policies that refuse it.
    """

    allowed: bool
    policies: str
    standings: Sequence[Standing]

    @property
    def remaining(self) -> int:
        """The number of requests that would still be admitted now."""
        return min(remaining for _, remaining, _ in self.standings)

    @property
    def retry_after(self) -> int:
        """Seconds until a retry can succeed; 0 for an admitted request."""
        return 0 if self.allowed else max((_seconds(wait) for _, _, wait in self.standings), default=1)

    def with_permits(self, at_once: int, left: int | None) -> Self:
        """Return the verdict for a request that also needs one of ``at_once`` permits; ``left`` None means refused."""
        policies = f'{self.policies}, "{CONCURRENT}";q={at_once};qu="concurrent-requests"'
        if left is None:
            return self._replace(allowed=False, policies=policies, standings=[(CONCURRENT, 0, None)])
        return self._replace(policies=policies, standings=[*self.standings, (CONCURRENT, left, None)])

    def headers(self) -> dict[str, str]:
        """Return ``RateLimit``, ``RateLimit-Policy`` (draft-ietf-httpapi-ratelimit-headers-11) and ``Retry-After``."""
        fields = {"RateLimit-Policy": self.policies, "RateLimit": self._standing()}
        return fields if self.allowed else {**fields, "Retry-After": str(self.retry_after)}

    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """Return the header fields of an admitted request as ASGI sends them."""
        return [(b"ratelimit-policy", self.policies.encode()), (b"ratelimit", self._standing().encode())]

    def _standing(self) -> str:
        fields = ""
        for name, remaining, wait in self.standings:
            fields += f', "{name}";r={remaining}'
            if wait is not None:
                # A wait may exceed its window by a second, until the time slot ends. Longer waits have longer windows.
                fields += f";t={min(_seconds(wait), WINDOW) if wait <= WINDOW + 1 else _seconds(wait)}"
        return fields[2:]


def _seconds(wait: float | None) -> int:
    return _UNKNOWN_WAIT if wait is None else max(1, math.ceil(wait))
