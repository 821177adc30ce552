"""The kinds of requests, and the ceilings that some have within the tenant's rate."""

from collections.abc import Mapping
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Final, NamedTuple


class LimitClass(StrEnum):
    """What a request costs us. Each counts against the whole rate; writes and exports have a ceiling besides."""

    READ = "read"
    WRITE = "write"
    EXPORT = "export"
    AUTH = "auth"


class Ceiling(NamedTuple):
    """How a class is bounded within the rate: the entitlement that says, and what counts where it does not."""

    name: str
    entitlement: str
    part: Fraction


RATE: Final = "requests_per_minute"
AT_ONCE: Final = "concurrent_exports"
DEFAULT_AT_ONCE: Final = 2
INVITATIONS_PER_DAY: Final = "invitations_per_day"
DEFAULT_INVITATIONS_PER_DAY: Final = 100

CEILINGS: Final[Mapping[LimitClass, Ceiling]] = MappingProxyType(
    {
        LimitClass.WRITE: Ceiling("writes", "writes_per_minute", Fraction(1, 2)),
        LimitClass.EXPORT: Ceiling("exports", "exports_per_minute", Fraction(1, 20)),
    }
)

ENTITLEMENTS: Final = frozenset(
    {RATE, AT_ONCE, INVITATIONS_PER_DAY, *(ceiling.entitlement for ceiling in CEILINGS.values())}
)
"""What a tenant may be granted of requests and mails; what neither plan nor staff name has its default here."""


def ceiling_of(per_minute: int, limit_class: LimitClass, granted: int | None) -> int | None:
    """Return how many requests of this class there may be within the rate; None: as many as it lets through.

    ``granted`` is what the entitlement says, if it is there.
    """
    ceiling = CEILINGS.get(limit_class)
    if ceiling is None:
        return None
    per_minute = max(0, per_minute)
    return min(per_minute, max(1, int(per_minute * ceiling.part)) if granted is None else max(0, granted))
