"""The probe's quotas in each plan."""

from collections.abc import Mapping
from typing import Final

GRANTED: Final[Mapping[str, Mapping[str, int]]] = {
    "free": {"racks": 3, "books": 1_000},
    "pro": {"racks": 100, "books": 100_000},
}
