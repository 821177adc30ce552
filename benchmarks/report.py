"""Figures from bursts: medians, ratios of each round, bars, and how they are told."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Final, Literal

from benchmarks.run import Results

Side = Literal["at least", "at most"]


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median of what each round said, and how far the rounds were apart."""

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bar:
    """What a ratio must reach."""

    ratio: str
    side: Side
    limit: float


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
    ("read_vs_sqlmodel", "read", "insula", "sqlmodel"),
    ("twin_vs_asyncpg", "read", "twin", "asyncpg"),
    ("list_vs_twin", "list", "insula", "twin"),
    ("list_vs_twin_in_insula", "list", "insula", "twin_in_insula"),
    ("create_vs_twin", "create", "insula", "twin"),
    ("create_vs_twin_in_insula", "create", "insula", "twin_in_insula"),
    ("patch_vs_twin", "patch", "insula", "twin"),
    ("patch_vs_twin_in_insula", "patch", "insula", "twin_in_insula"),
    ("template_vs_twin", "read", "template", "twin"),
    ("template_vs_insula", "read", "template", "insula"),
)
_CPU: Final = (("tax_cpu_us", "twin_in_insula"), ("overhead_cpu_us", "twin"))


def ratios(results: Results) -> list[Ratio]:
    """Return every ratio for which both sides were measured."""
    return [*_of_rates(results), *_of_cpu(results)]


def _of_rates(results: Results) -> Iterator[Ratio]:
    for name, operation, left, right in _RATES:
        pairs = zip(results.of(left, operation), results.of(right, operation), strict=False)
        if found := [mine.rate / theirs.rate for mine, theirs in pairs]:
            yield _ratio(name, found)


def _of_cpu(results: Results) -> Iterator[Ratio]:
    for name, twin in _CPU:
        for operation in ("read", "list", "create", "patch"):
            pairs = zip(results.of("insula", operation), results.of(twin, operation), strict=False)
            if found := [mine.app_cpu_us - theirs.app_cpu_us for mine, theirs in pairs]:
                yield _ratio(name if operation == "read" else f"{operation}_{name}", found)


def _ratio(name: str, found: list[float]) -> Ratio:
    return Ratio(name, median(found), min(found), max(found))


def table(results: Results) -> str:
    """Return the medians as a Markdown table."""
    lines = [
        "| operation | contestant | req/s | p50 ms | p99 ms | app CPU us | database CPU us |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for (contestant, operation), bursts in sorted(results.bursts.items(), key=lambda item: item[0][1]):
        figures = [
            f"{median(one.rate for one in bursts):,.0f}",
            f"{median(one.p50_ms for one in bursts):.2f}",
            f"{median(one.p99_ms for one in bursts):.2f}",
            f"{median(one.app_cpu_us for one in bursts):,.0f}",
            f"{median(one.database_cpu_us for one in bursts):,.0f}",
        ]
        lines.append(f"| {operation} | {contestant} | {' | '.join(figures)} |")
    return "\n".join(lines)


def judge(results: Results) -> list[str]:
    """Return one line for each ratio, with its bar where it has one."""
    bars = {bar.ratio: bar for bar in BARS}
    lines = []
    for ratio in ratios(results):
        line = f"{ratio.name:30}{ratio.value:8.2f}   ({ratio.low:.2f} to {ratio.high:.2f})"
        if (bar := bars.get(ratio.name)) is not None:
            passed = ratio.value >= bar.limit if bar.side == "at least" else ratio.value <= bar.limit
            line += f"   {'pass' if passed else 'MISSED'}: {bar.side} {bar.limit:.2f}"
        lines.append(line)
    return lines


def bench_json(results: Results) -> None:
    """Write ``build/bench.json``."""
