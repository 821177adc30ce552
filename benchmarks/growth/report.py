"""The run as JSON and as Markdown, and the bounds for growth."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from pydantic import JsonValue

from benchmarks.growth.measuring import Results
from benchmarks.growth.people import OPERATIONS
from benchmarks.growth.plans import Plans
from benchmarks.growth.size import Size

_WARM: Final = 1.1
_COLD: Final = 2.0
_BOUNDED: Final = 1.05
_ROLES: Final = 1.05
_FIGURES: Final[Mapping[str, str]] = {
    "rate": ",.0f",
    "p50_ms": ".2f",
    "p99_ms": ".2f",
    "app_cpu_us": ",.0f",
    "database_cpu_us": ",.0f",
    "alone_ms": ".2f",
    "cold_ms": ".2f",
    "cold_p90_ms": ".2f",
}
_FULL: Final = 0.75
"""After this share of the people the caches of a normal run are full, so memory must not grow any more."""


@dataclass(frozen=True, slots=True)
class Filled:
    """The size of a database, and how long it took to fill."""

    megabytes: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure and its upper bound."""

    name: str
    value: float
    limit: float

    @property
    def holds(self) -> bool:
        """Whether the figure is within the bound."""
        return self.value <= self.limit


@dataclass(frozen=True)
class Report:
    """Everything that a run measured; the sizes from the smallest up, then those with custom roles."""

    machine: Mapping[str, str]
    versions: Mapping[str, str]
    how: Mapping[str, float]
    sizes: Sequence[Size]
    filled: Mapping[Size, Filled]
    results: Results
    plans: Mapping[Size, Plans]
    migrations: Mapping[str, float]

    @property
    def bars(self) -> list[Bar]:
        """The bounds, each with its figure."""
        return [*self._of_growth(), *self._of_roles(), *self._of_memory(), *self._of_plans()]

    def to_json(self) -> dict[str, JsonValue]:
        """Return the contents of ``build/bench-growth.json``."""
        return {
            "machine": dict(self.machine),
            "versions": dict(self.versions),
            "how": dict(self.how),
            "sizes": {size.name: self._size(size) for size in self.sizes},
            "migrations": {name: round(seconds, 2) for name, seconds in self.migrations.items()},
            "bars": [
                {"name": bar.name, "value": round(bar.value, 3), "at_most": bar.limit, "pass": bar.holds}
                for bar in self.bars
            ],
        }

    def to_markdown(self) -> str:
        """Return the run as Markdown."""
        about = ", ".join([*self.machine.values(), *(f"{name} {one}" for name, one in self.versions.items())])
        parts = [
            f"{about}.",
            ", ".join(f"{name} {value:g}" for name, value in self.how.items()) + "; medians.",
            "\n".join(self._sizes()),
            "\n".join(self._requests()),
            "\n".join(self._memory()),
            "\n".join(self._plans()),
            "\n".join(self._migrations()),
            "\n".join(self._bars()),
        ]
        return "\n\n".join(parts) + "\n"

    @property
    def _grown(self) -> list[Size]:
        return [size for size in self.sizes if not size.custom_roles]

    def _of_growth(self) -> Iterator[Bar]:
        small, large = self._grown[0], self._grown[-1]
        for operation in OPERATIONS:
            yield Bar(f"warm {operation}", self._times(small, large, operation), _WARM)
        for operation in OPERATIONS:
            cold, warm = (median(self.results.cold_ms[size, operation]) for size in (large, small))
            yield Bar(f"cold {operation}", cold / warm, _COLD)

    def _of_roles(self) -> Iterator[Bar]:
        with_roles = sorted((size for size in self.sizes if size.custom_roles), key=lambda size: size.custom_roles)
        if len(with_roles) > 1:
            for operation in OPERATIONS:
                name = f"warm {operation}, {with_roles[-1].custom_roles} custom roles for {with_roles[0].custom_roles}"
                yield Bar(name, self._times(with_roles[0], with_roles[-1], operation), _ROLES)

    def _of_memory(self) -> Iterator[Bar]:
        for size, held in self.results.memory_mb.items():
            full = next(megabytes for count, megabytes in held if count >= _FULL * held[-1][0])
            yield Bar(f"memory, {size.name}", held[-1][1] / full, _BOUNDED)

    def _of_plans(self) -> Iterator[Bar]:
        *_, before, largest = self._grown
        changed = self.plans[before].shapes.items() ^ self.plans[largest].shapes.items()
        yield Bar("tables read whole", len(self.plans[largest].read_whole), 0)
        yield Bar(f"plans that change after {before.name}", len(changed) // 2, 0)

    def _times(self, one: Size, other: Size, operation: str) -> float:
        """Return the ratio of the request times of the two, round by round."""
        pairs = zip(self.results.bursts[one, operation], self.results.bursts[other, operation], strict=True)
        return median(mine.rate / theirs.rate for mine, theirs in pairs)

    def _size(self, size: Size) -> dict[str, JsonValue]:
        return {
            "tenants": size.tenants,
            "memberships": size.memberships,
            "items": size.tenants * size.items,
            "custom_roles": size.custom_roles,
            "database_mb": round(self.filled[size].megabytes),
            "fill_seconds": round(self.filled[size].seconds, 1),
            "start_seconds": round(median(self.results.start_seconds[size]), 2),
            "start_mb": round(median(self.results.start_mb[size]), 1),
            **{operation: {**self._operation(size, operation)} for operation in OPERATIONS},
            "memory_mb": [[count, round(held, 1)] for count, held in self.results.memory_mb.get(size, [])],
            "plans": dict(self.plans[size].shapes),
        }

    def _operation(self, size: Size, operation: str) -> dict[str, float]:
        bursts = self.results.bursts[size, operation]
        figures = list(_FIGURES)[:5]
        cold = sorted(self.results.cold_ms[size, operation])
        return {
            **{name: round(median(getattr(one, name) for one in bursts), 3) for name in figures},
            "alone_ms": round(median(self.results.alone_ms[size, operation]), 3),
            "cold_ms": round(median(cold), 3),
            "cold_p90_ms": round(cold[int(0.9 * (len(cold) - 1))], 3),
            "cold_requests": float(len(cold)),
        }

    def _sizes(self) -> Iterator[str]:
        yield "| size | memberships | items | database MB | filled in s | start s | process MB at start |"
        yield "|---|---:|---:|---:|---:|---:|---:|"
        for size in self.sizes:
            filled = self.filled[size]
            yield (
                f"| {size.name} | {size.memberships:,} | {size.tenants * size.items:,} | {filled.megabytes:,.0f} | "
                f"{filled.seconds:.0f} | {median(self.results.start_seconds[size]):.2f} | "
                f"{median(self.results.start_mb[size]):.0f} |"
            )

    def _requests(self) -> Iterator[str]:
        heads = (
            "warm req/s",
            "p50 ms",
            "p99 ms",
            "app CPU µs",
            "database CPU µs",
            "alone ms",
            "cold ms",
            "cold p90 ms",
        )
        yield f"| operation | size | {' | '.join(heads)} |"
        yield f"|---|---|{'---:|' * len(heads)}"
        for operation in OPERATIONS:
            for size in self.sizes:
                found = self._operation(size, operation)
                cells = [f"{found[name]:{form}}" for name, form in _FIGURES.items()]
                yield f"| {operation} | {size.name} | {' | '.join(cells)} |"

    def _memory(self) -> Iterator[str]:
        yield "| size | process MB after requests of so many people |"
        yield "|---|---|"
        for size, held in self.results.memory_mb.items():
            yield f"| {size.name} | " + ", ".join(f"{count:,}: {megabytes:.0f}" for count, megabytes in held) + " |"

    def _plans(self) -> Iterator[str]:
        yield "| statement | size | plan |"
        yield "|---|---|---|"
        for size, plans in self.plans.items():
            yield from (f"| {purpose} | {size.name} | {shape} |" for purpose, shape in plans.shapes.items())

    def _migrations(self) -> Iterator[str]:
        yield f"| `insula migrate`, {self._grown[-1].name} | s |"
        yield "|---|---:|"
        yield from (f"| {name} | {seconds:.1f} |" for name, seconds in self.migrations.items())

    def _bars(self) -> Iterator[str]:
        yield "| bar | figure | at most | |"
        yield "|---|---:|---:|---|"
        for bar in self.bars:
            yield f"| {bar.name} | {bar.value:.2f} | {bar.limit:g} | {'pass' if bar.holds else '**missed**'} |"
