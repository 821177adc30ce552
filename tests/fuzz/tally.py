"""Counts of requests, answers and findings."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.fuzz.oracle import Finding, Kind

KINDS: Final[tuple[Kind, ...]] = ("server_error", "schema_violation", "canary")
_STATUSES: Final = ("2xx", "4xx", "429", "5xx")


@dataclass
class Tally:
    """Counts of one lane, or of several."""

    statuses: dict[str, Counter[int]] = field(default_factory=dict)
    sources: Counter[str] = field(default_factory=Counter)
    kinds: Counter[Kind] = field(default_factory=Counter)
    findings: dict[tuple[str, str, str], Finding] = field(default_factory=dict)
    swaps: int = 0
    """Requests for a row of the other tenant."""

    @property
    def cases(self) -> int:
        """How many requests were answered."""
        return self.sources.total()

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.kinds

    def expect(self, operations: Iterable[str]) -> None:
        """List each of ``operations`` in the table, called or not."""
        for name in operations:
            self.statuses.setdefault(name, Counter())

    def count(self, source: str, operation: str | None, status: int) -> None:
        """Count an answer; ``None`` for a request that belongs to no operation."""
        self.sources[source] += 1
        if operation is not None:
            self.statuses.setdefault(operation, Counter())[status] += 1

    def note(self, findings: Iterable[Finding]) -> None:
        """Count ``findings``; keep the first of each, and print it at once, since a run is long."""
        for finding in findings:
            self.kinds[finding.kind] += 1
            if finding.same not in self.findings:
                self.findings[finding.same] = finding
                sys.stderr.write(f"{finding.kind} {finding.operation}\n  {finding.what}\n  {finding.request}\n")

    def add(self, other: "Tally") -> None:
        """Add the counts of another lane."""
        for name, statuses in other.statuses.items():
            self.statuses.setdefault(name, Counter()).update(statuses)
        self.sources.update(other.sources)
        self.kinds.update(other.kinds)
        self.findings = {**other.findings, **self.findings}
        self.swaps += other.swaps

    def without(self, *, success: bool) -> list[str]:
        """Return the operations that never answered with a 2xx, or never with a 4xx."""
        wanted = 2 if success else 4
        return sorted(name for name, found in self.statuses.items() if not any(s // 100 == wanted for s in found))

    def figures(self) -> dict[str, int]:
        """Return the contents of ``build/fuzz.json``."""
        return {
            "cases": self.cases,
            "server_errors": self.kinds["server_error"],
            "schema_violations": self.kinds["schema_violation"],
            "canaries": self.kinds["canary"],
            "operations": len(self.statuses),
            "operations_with_success": len(self.statuses) - len(self.without(success=True)),
            "foreign_requests": self.swaps,
        }

    def lines(self) -> Iterator[str]:
        """Return the report as lines of text."""
        yield f"{'operation':70}" + "".join(f"{status:>8}" for status in _STATUSES)
        for name in sorted(self.statuses, key=lambda name: (name.split()[1], name)):
            yield f"{name:70}" + "".join(f"{count:>8}" for count in _classes(self.statuses[name]))
        yield f"never a 2xx: {', '.join(self.without(success=True)) or 'none'}"
        yield f"never a 4xx: {', '.join(self.without(success=False)) or 'none'}"
        for finding in self.findings.values():
            yield f"\n{finding.kind} {finding.operation}\n  {finding.what}\n  {finding.request}"
        yield ", ".join(f"{count} {source}" for source, count in sorted(self.sources.items()))
        yield ", ".join(f"{count} {name}" for name, count in self.figures().items())


def _classes(statuses: Mapping[int, int]) -> tuple[int, ...]:
    first = Counter(dict.fromkeys((2, 4, 5), 0))
    for status, count in statuses.items():
        first[status // 100] += count
    return first[2], first[4], statuses.get(429, 0), first[5]
