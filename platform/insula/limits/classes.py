"""The kinds of requests that are counted apart, and each one's part of the tenant's rate."""

from collections.abc import Mapping
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Final


class LimitClass(StrEnum):
    """What a request costs us; each class has a budget of its own."""

    READ = "read"
    WRITE = "write"
    EXPORT = "export"
    AUTH = "auth"


_PARTS: Final[Mapping[LimitClass, Fraction]] = MappingProxyType(
    {
        LimitClass.READ: Fraction(1),
        LimitClass.WRITE: Fraction(1, 2),
        LimitClass.EXPORT: Fraction(1, 20),
        LimitClass.AUTH: Fraction(1),
    }
)


def budget(per_minute: int, limit_class: LimitClass) -> int:
    """Return the requests of this class that a plan of ``per_minute`` grants: at least one, unless it grants none."""
    if per_minute <= 0:
        return 0
    return max(1, int(per_minute * _PARTS[limit_class]))
