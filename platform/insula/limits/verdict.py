"""The answer to "may this request pass?", and the header fields that tell the caller."""

from typing import NamedTuple

from insula.limits.classes import LimitClass
from insula.limits.ledger import WINDOW


class Verdict(NamedTuple):
    """Immutable. ``remaining`` and ``reset_seconds`` are what this process knows, which may lag by one lease."""

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: int
    retry_after: int
    limit_class: LimitClass

    def headers(self) -> dict[str, str]:
        """Return ``RateLimit`` and ``RateLimit-Policy`` (draft-ietf-httpapi-ratelimit-headers), and ``Retry-After``."""
        name = self.limit_class.value
        fields = {
            "RateLimit-Policy": f'"{name}";q={self.limit};w={WINDOW}',
            "RateLimit": f'"{name}";r={self.remaining};t={self.reset_seconds}',
        }
        return fields if self.allowed else {**fields, "Retry-After": str(self.retry_after)}
