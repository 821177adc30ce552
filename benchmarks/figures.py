"""Computes figures from bursts: medians, ratios of each round, and their targets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, Literal

from benchmarks.load import Burst
from benchmarks.run import Results

Side = Literal["at least", "at most"]


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median over the rounds, with the lowest and the highest."""

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bar:
    """The target of a ratio."""

    ratio: str
    side: Side
    limit: float

    def holds(self, ratio: Ratio) -> bool:
        """Whether the ratio meets the target."""
        return ratio.value >= self.limit if self.side == "at least" else ratio.value <= self.limit


BARS: Final = (
    Bar("read_vs_twin", "at least", 0.78),
    Bar("read_vs_asyncpg", "at least", 0.60),
    Bar("twin_vs_asyncpg", "at least", 0.90),
    Bar("list_vs_twin", "at least", 0.85),
    Bar("create_vs_twin", "at least", 0.80),
    Bar("patch_vs_twin", "at least", 0.80),
    Bar("p99_read_vs_twin", "at most", 2.0),
    Bar("tax_cpu_us", "at most", 60.0),
)
_RATES: Final = (
    ("read_vs_twin", "read", "insula", "twin"),
    ("read_vs_twin_in_insula", "read", "insula", "twin_in_insula"),
    ("read_vs_asyncpg", "read", "insula", "asyncpg"),
    ("read_vs_asyncpg_nolog", "read", "insula", "asyncpg_nolog"),
    ("read_vs_asyncpg_noreset", "read", "insula", "asyncpg_noreset"),
    ("read_vs_twin_nolog", "read", "insula", "twin_nolog"),
    ("read_vs_sqlmodel", "read", "insula", "sqlmodel"),
    ("twin_vs_asyncpg", "read", "twin", "asyncpg"),
    ("twin_vs_asyncpg_noreset", "read", "twin", "asyncpg_noreset"),
    ("list_vs_twin", "list", "insula", "twin"),
    ("list_vs_twin_in_insula", "list", "insula", "twin_in_insula"),
    ("create_vs_twin", "create", "insula", "twin"),
    ("create_vs_twin_in_insula", "create", "insula", "twin_in_insula"),
    ("patch_vs_twin", "patch", "insula", "twin"),
    ("patch_vs_twin_in_insula", "patch", "insula", "twin_in_insula"),
    ("template_vs_twin", "read", "template", "twin"),
    ("template_vs_insula", "read", "template", "insula"),
)
_TWINNED: Final = ("read", "list", "create", "patch")
TAX: Final = "tax_cpu_us"
_CPU: Final = ((TAX, "twin_in_insula"), ("overhead_cpu_us", "twin"))


def ratios(results: Results) -> list[Ratio]:
    """Return every ratio for which both sides were measured."""
    return [*_of_rates(results), *_of_cpu(results), *_of_paced(results)]


def _of_rates(results: Results) -> Iterator[Ratio]:
    for name, operation, left, right in _RATES:
        pairs = zip(results.of(left, operation), results.of(right, operation), strict=False)
        if found := [mine.rate / theirs.rate for mine, theirs in pairs]:
            yield _ratio(name, found)


def _of_cpu(results: Results) -> Iterator[Ratio]:
    if alternating := _cpu_beyond(results.alternating["insula"], results.alternating["twin_in_insula"]):
        yield _ratio(TAX, alternating)
    for name, twin in _CPU:
        for operation in _TWINNED:
            title = name if operation == "read" else f"{operation}_{name}"
            if title == TAX and alternating:
                continue
            if found := _cpu_beyond(results.of("insula", operation), results.of(twin, operation)):
                yield _ratio(title, found)
    for operation in _TWINNED:
        pairs = zip(results.of("insula", operation), results.of("twin", operation), strict=False)
        if shares := [theirs.app_cpu_us / mine.app_cpu_us for mine, theirs in pairs]:
            yield _ratio(f"{operation}_cpu_vs_twin", shares)


def _cpu_beyond(mine: Sequence[Burst], twins: Sequence[Burst]) -> list[float]:
    return [one.app_cpu_us - twin.app_cpu_us for one, twin in zip(mine, twins, strict=False)]


def _of_paced(results: Results) -> Iterator[Ratio]:
    pairs = zip(results.paced["insula"], results.paced["twin"], strict=True)
    if found := [mine.p99_ms / theirs.p99_ms for mine, theirs in pairs]:
        yield _ratio("p99_read_vs_twin", found)


def _ratio(name: str, found: list[float]) -> Ratio:
    return Ratio(name, median(found), min(found), max(found))
