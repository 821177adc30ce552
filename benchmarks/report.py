"""The run as JSON and as Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from pydantic import JsonValue

from benchmarks.figures import BARS, Bar, Ratio, ratios
from benchmarks.load import CONNECTIONS, Burst
from benchmarks.operations import OPERATIONS
from benchmarks.run import Results
from benchmarks.servers import CONTESTANTS

_FOREIGN = 0.05
_MEASURED = ("rate", "p50_ms", "p99_ms", "app_cpu_us", "database_cpu_us")
_HEAD = """\
| operation | contestant | req/s | p50 ms | p99 ms | app CPU µs | database CPU µs |
|---|---|---:|---:|---:|---:|---:|"""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a run measured."""

    machine: Mapping[str, str]
    versions: Mapping[str, str]
    rounds: int
    seconds: float
    results: Results

    def to_json(self) -> dict[str, JsonValue]:
        """Return the contents of ``build/bench.json``."""
        found = ratios(self.results)
        return {
            "machine": dict(self.machine),
            "versions": dict(self.versions),
            "how": {
                "rounds": self.rounds,
                "seconds": self.seconds,
                "connections": CONNECTIONS,
                "foreign": self.foreign,
            },
            "contestants": {one.name: self._contestant(one.name, one.description) for one in CONTESTANTS},
            "ratios": {ratio.name: round(ratio.value, 3) for ratio in found},
            "spread": {ratio.name: [round(ratio.low, 3), round(ratio.high, 3)] for ratio in found},
            "bars": [*self._bars(found)],
            "workers": {
                str(count): {**asdict(workers), "rate": workers.rate} for count, workers in self.results.workers.items()
            },
        }

    def to_markdown(self) -> str:
        """Return the run as Markdown."""
        about = ", ".join([*self.machine.values(), *(f"{name} {one}" for name, one in self.versions.items())])
        how = f"{self.rounds} rounds of {self.seconds:g} s, {CONNECTIONS} connections, one worker"
        parts = [
            f"{about}.",
            f"{how}; medians. Other programs used {self.foreign:.1%} of the machine.",
            "\n".join([_HEAD, *self._rows()]),
            "\n".join(self._ratios()),
            "\n".join(self._paced()),
            "\n".join(self._workers()),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"

    @property
    def foreign(self) -> float:
        """The part of the machine that other programs used, in the median burst."""
        shares = [burst.foreign for bursts in self.results.bursts.values() for burst in bursts]
        return round(median(shares), 4) if shares else 0.0

    @property
    def quiet(self) -> bool:
        """Whether other programs used little of the machine."""
        return self.foreign <= _FOREIGN

    @property
    def missed(self) -> list[str]:
        """The targets that were measured and not met."""
        found = {ratio.name: ratio for ratio in ratios(self.results)}
        return [bar.ratio for bar in self._judged if bar.ratio in found and not bar.holds(found[bar.ratio])]

    @property
    def _judged(self) -> list[Bar]:
        """The targets that this machine has enough cores for."""
        return [bar for bar in BARS if bar.cores <= self.results.cores]

    def _contestant(self, name: str, description: str) -> dict[str, JsonValue]:
        operations: dict[str, JsonValue] = {
            operation: medians(self.results.of(name, operation))
            for operation in OPERATIONS
            if self.results.of(name, operation)
        }
        for operation in OPERATIONS:
            if alternating := self.results.in_turns(name, operation):
                operations[f"{operation}, in turns"] = medians(alternating)
        if paced := self.results.paced.get(name):
            operations["read at 70 %"] = medians(paced)
        return {"what": description, "memory_mb": round(self.results.memory_mb.get(name, 0)), **operations}

    def _bars(self, found: Sequence[Ratio]) -> list[JsonValue]:
        values = {ratio.name: ratio for ratio in found}
        return [
            {**asdict(bar), "value": round(values[bar.ratio].value, 3), "pass": bar.holds(values[bar.ratio])}
            for bar in self._judged
            if bar.ratio in values
        ]

    def _rows(self) -> list[str]:
        return [
            f"| {operation} | {one.name} | {row(self.results.of(one.name, operation))} |"
            for operation in OPERATIONS
            for one in CONTESTANTS
            if self.results.of(one.name, operation)
        ]

    def _ratios(self) -> list[str]:
        bars = {bar.ratio: bar for bar in self._judged}
        lines = ["| ratio | median | lowest to highest round | bar | |", "|---|---:|---|---|---|"]
        for ratio in ratios(self.results):
            bar = bars.get(ratio.name)
            verdict = f"{bar.side} {bar.limit:g} | {'pass' if bar.holds(ratio) else '**missed**'}" if bar else " | "
            lines.append(f"| {ratio.name} | {ratio.value:.2f} | {ratio.low:.2f} to {ratio.high:.2f} | {verdict} |")
        return lines

    def _paced(self) -> list[str]:
        turns, paced = self.results.alternating.items(), self.results.paced.items()
        lines = [f"| {operation}, in turns | {name} | {row(bursts)} |" for (name, operation), bursts in turns if bursts]
        lines += [f"| read at 70 % | {name} | {row(bursts)} |" for name, bursts in paced if bursts]
        return [_HEAD, *lines] if lines else []

    def _workers(self) -> list[str]:
        lines = [
            f"| {count} | {found.rate:,.0f} | {found.app_cpu_us:,.0f} "
            f"| {found.connections} of {found.budget} | {found.memory_mb:.0f} |"
            for count, found in self.results.workers.items()
        ]
        head = ["| workers | read req/s | app CPU µs | connections | MB |", "|---:|---:|---:|---:|---:|"]
        return [*head, *lines] if lines else []


def medians(bursts: Sequence[Burst]) -> dict[str, JsonValue]:
    """Return the median of each figure."""
    return {name: round(median(getattr(one, name) for one in bursts), 2) for name in _MEASURED}


def row(bursts: Sequence[Burst]) -> str:
    """Return the medians as table cells."""
    rate, p50, p99, app, database = (median(getattr(one, name) for one in bursts) for name in _MEASURED)
    return f"{rate:,.0f} | {p50:.2f} | {p99:.2f} | {app:,.0f} | {database:,.0f}"
