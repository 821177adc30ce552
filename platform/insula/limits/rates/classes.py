"""The kinds of requests, and the ceilings that some have within the tenant's rate."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from insula.access.entitlements import Amount


class LimitClass(StrEnum):
    """What a request costs us. Each counts against the whole rate; writes and exports have a ceiling besides."""

    READ = "read"
    WRITE = "write"
    EXPORT = "export"
    AUTH = "auth"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling(Amount):
    """How a class of requests, known to clients as ``name``, is bounded within the rate.

    Where nobody says how many there may be, ``part`` of the rate counts, and ``default`` does not.
    """

    name: str
    part: Fraction

    def of(self, granted: Mapping[str, int]) -> int:
        """Return how many requests of the class a tenant may make that is ``granted`` this."""
        return self.within(RATE.of(granted), granted.get(self.key))

    def within(self, per_minute: int, granted: int | None) -> int:
        """Return how many there may be within a rate; ``granted`` is what the entitlement says, if it is there."""
        per_minute = max(0, per_minute)
        return min(per_minute, max(1, int(per_minute * self.part)) if granted is None else max(0, granted))


RATE: Final = Amount(key="requests_per_minute", unit="requests a minute")
AT_ONCE: Final = Amount(key="concurrent_exports", unit="exports at a time", default=2)

CEILINGS: Final[Mapping[LimitClass, Ceiling]] = MappingProxyType(
    {
        LimitClass.WRITE: Ceiling(
            key="writes_per_minute", unit="requests a minute that write", name="writes", part=Fraction(1, 2)
        ),
        LimitClass.EXPORT: Ceiling(
            key="exports_per_minute", unit="exports a minute", name="exports", part=Fraction(1, 20)
        ),
    }
)

ENTITLEMENTS: Final[tuple[Amount, ...]] = (RATE, *CEILINGS.values(), AT_ONCE)
"""What a tenant may be granted of requests."""


def ceiling_of(per_minute: int, limit_class: LimitClass, granted: int | None) -> int | None:
    """Return how many requests of this class there may be within the rate; None: as many as it lets through.

    ``granted`` is what the entitlement says, if it is there.
    """
    ceiling = CEILINGS.get(limit_class)
    return None if ceiling is None else ceiling.within(per_minute, granted)
