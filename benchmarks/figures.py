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
    cores: int = 0
    """On a machine with fewer cores the ratio is reported and not judged."""

    def holds(self, ratio: Ratio) -> bool:
        """Whether the ratio meets the target."""
        return ratio.value >= self.limit if self.side == "at least" else ratio.value <= self.limit


BARS: Final = (
    Bar("read_vs_twin", "at least", 0.78),
    Bar("read_vs_asyncpg", "at least", 0.60),
    Bar("twin_vs_asyncpg", "at least", 0.90),
    Bar("list_vs_twin", "at least", 0.85),
    Bar("create_vs_asyncpg_writes", "at least", 0.70),
    Bar("create_cpu_vs_asyncpg_writes", "at most", 1.6),
    Bar("patch_vs_asyncpg_writes", "at least", 0.60),
    Bar("hot_create_vs_asyncpg_writes", "at least", 0.90),
    Bar("create_vs_orm_plain", "at least", 1.2),
    Bar("p99_read_vs_twin", "at most", 2.0),
    Bar("tax_cpu_us", "at most", 60.0),
    Bar("create_tax_cpu_us", "at most", 190.0),
    Bar("patch_tax_cpu_us", "at most", 190.0),
    Bar("two_workers_vs_one", "at least", 1.6, cores=4),
    Bar("two_workers_vs_possible", "at least", 0.8),
    Bar("two_workers_cpu_vs_one", "at most", 1.2),
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
    ("create_vs_asyncpg_writes", "create", "insula", "asyncpg_writes"),
    ("create_vs_orm_plain", "create", "insula", "orm_plain"),
    ("hot_create_vs_asyncpg_writes", "hot_create", "insula", "asyncpg_writes"),
    ("patch_vs_asyncpg_writes", "patch", "insula", "asyncpg_writes"),
    ("create_vs_twin", "create", "insula", "twin"),
    ("create_vs_twin_in_insula", "create", "insula", "twin_in_insula"),
    ("patch_vs_twin", "patch", "insula", "twin"),
    ("patch_vs_twin_in_insula", "patch", "insula", "twin_in_insula"),
    ("template_vs_twin", "read", "template", "twin"),
    ("template_vs_insula", "read", "template", "insula"),
)
_TWINNED: Final = ("read", "list", "create", "patch")
_BY_HAND: Final = ("create", "hot_create", "patch")


def ratios(results: Results) -> list[Ratio]:
    """Return every ratio for which both sides were measured."""
    return [*_of_rates(results), *_of_cpu(results), *_of_paced(results), *_of_workers(results)]


def _of_rates(results: Results) -> Iterator[Ratio]:
    for name, operation, left, right in _RATES:
        pairs = zip(results.of(left, operation), results.of(right, operation), strict=False)
        if found := [mine.rate / theirs.rate for mine, theirs in pairs]:
            yield _ratio(name, found)


def _of_cpu(results: Results) -> Iterator[Ratio]:
    for operation in _TWINNED:
        mine, twins = (
            results.in_turns(name, operation) or results.of(name, operation) for name in ("insula", "twin_in_insula")
        )
        if found := _cpu_differences(mine, twins):
            yield _ratio(_named("tax_cpu_us", operation), found)
    for operation in _TWINNED:
        if found := _cpu_differences(results.of("insula", operation), results.of("twin", operation)):
            yield _ratio(_named("overhead_cpu_us", operation), found)
    for operation in _TWINNED:
        if found := _cpu_ratios(results.of("twin", operation), results.of("insula", operation)):
            yield _ratio(f"{operation}_cpu_vs_twin", found)
    for operation in _BY_HAND:
        if found := _cpu_ratios(results.of("insula", operation), results.of("asyncpg_writes", operation)):
            yield _ratio(f"{operation}_cpu_vs_asyncpg_writes", found)


def _named(figure: str, operation: str) -> str:
    return figure if operation == "read" else f"{operation}_{figure}"


def _cpu_differences(mine: Sequence[Burst], twins: Sequence[Burst]) -> list[float]:
    return [one.app_cpu_us - twin.app_cpu_us for one, twin in zip(mine, twins, strict=False)]


def _cpu_ratios(left: Sequence[Burst], right: Sequence[Burst]) -> list[float]:
    return [one.app_cpu_us / other.app_cpu_us for one, other in zip(left, right, strict=False)]


def _of_paced(results: Results) -> Iterator[Ratio]:
    pairs = zip(results.paced["insula"], results.paced["twin"], strict=True)
    if found := [mine.p99_ms / theirs.p99_ms for mine, theirs in pairs]:
        yield _ratio("p99_read_vs_twin", found)


def _of_workers(results: Results) -> Iterator[Ratio]:
    if {1, 2} <= results.workers.keys():
        pairs = [*zip(results.workers[2].bursts, results.workers[1].bursts, strict=True)]
        yield _ratio("two_workers_vs_one", [two.rate / one.rate for two, one in pairs])
        yield _ratio("two_workers_vs_possible", [two.rate / _possible(one, results.cores) for two, one in pairs])
        yield _ratio("two_workers_cpu_vs_one", [two.app_cpu_us / one.app_cpu_us for two, one in pairs])


def _possible(one: Burst, cores: int) -> float:
    """Return how many requests a second two workers could serve, given what one needs.

    Twice as many, unless the machine's cores are busy before: the database and the load generator run on them too.
    """
    return min(2 * one.rate, cores * 1e6 / one.cpu_us)


def _ratio(name: str, found: list[float]) -> Ratio:
    return Ratio(name, median(found), min(found), max(found))
