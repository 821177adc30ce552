"""The classes of requests, and the ceilings of some within the tenant's rate."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from insula.access.entitlements import Amount


class LimitClass(StrEnum):
    """A class of requests by cost. All count against the tenant's rate; writes and exports have a ceiling too."""

    READ = "read"
    WRITE = "write"
    EXPORT = "export"
    AUTH = "auth"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling(Amount):
    """The bound of a class of requests within the rate; clients see it as ``name``.

    Without a granted amount it is ``part`` of the rate; ``default`` is not used.
    """

    name: str
    part: Fraction

    def of(self, granted: Mapping[str, int]) -> int:
        """Return how many requests of the class a tenant with these ``granted`` amounts may make."""
        return self.within(RATE.of(granted), granted.get(self.key))

    def within(self, per_minute: int, granted: int | None) -> int:
        """Return the ceiling within a rate; ``granted`` is the amount of the entitlement, if the tenant has it."""
        per_minute = max(0, per_minute)
        return min(per_minute, max(1, int(per_minute * self.part)) if granted is None else max(0, granted))


RATE: Final = Amount(key="requests_per_minute", unit="requests a minute")
AT_ONCE: Final = Amount(key="concurrent_exports", unit="exports at a time", default=2)
CONNECTIONS: Final = Amount(key="concurrent_connections", unit="streams, sockets and uploads at a time", default=100)

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

ENTITLEMENTS: Final[tuple[Amount, ...]] = (RATE, *CEILINGS.values(), AT_ONCE, CONNECTIONS)
"""The entitlements about requests."""


def ceiling_of(per_minute: int, limit_class: LimitClass, granted: int | None) -> int | None:
    """Return the ceiling of this class within the rate, or None for a class without one.

    ``granted`` is the amount of the entitlement, if the tenant has it.
    """
    ceiling = CEILINGS.get(limit_class)
    return None if ceiling is None else ceiling.within(per_minute, granted)
