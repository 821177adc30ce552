"""Results of the probes."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Self

from tests.isolation.behaviour.outcome import Outcome


@dataclass(frozen=True)
class TableReport:
    """The totals of all tables; sound if every table and the database itself passed."""

    tables: int
    tables_passed: int
    attempts: int
    controls: int
    controls_passed: int
    failures: tuple[str, ...]
    """One line each: table, role, attempt, outcome."""

    @classmethod
    def over(cls, tables: Iterable["Findings"], database: "Findings") -> Self:
        """Sum up the findings of the tables and of the database itself."""
        each = list(tables)
        every = [*each, database]
        return cls(
            tables=len(each),
            tables_passed=sum(not found.failures for found in each),
            attempts=sum(found.attempts for found in every),
            controls=sum(found.controls for found in every),
            controls_passed=sum(found.controls_passed for found in every),
            failures=tuple(line for found in every for line in found.failures),
        )

    @property
    def sound(self) -> bool:
        """Whether nothing was found, and something was probed."""
        return not self.failures and self.controls_passed == self.controls > 0

    def to_json(self) -> dict[str, int | tuple[str, ...]]:
        """Return the report for ``json.dump``."""
        return asdict(self)


@dataclass
class Findings:
    """Results so far of probing one table, or the database itself."""

    subject: str
    attempts: int = 0
    controls: int = 0
    controls_passed: int = 0
    failures: list[str] = field(default_factory=list)

    def denied(self, who: str, what: str, outcome: Outcome) -> None:
        """Expect a refusal for lack of a right, by a grant, a policy or a trigger."""
        self._attempted(who, what, outcome, passed=outcome.denied)

    def nothing(self, who: str, what: str, outcome: Outcome) -> None:
        """Expect success without any row."""
        self._attempted(who, what, outcome, passed=outcome.rows == 0)

    def fails(self, who: str, what: str, outcome: Outcome, *states: str) -> None:
        """Expect one of these errors, by SQLSTATE."""
        self._attempted(who, what, outcome, passed=outcome.state in states)

    def same(self, who: str, what: str, theirs: Outcome, unknown: Outcome) -> None:
        """Expect the same refusal for another tenant's row as for a row that does not exist."""
        alike = theirs.state == unknown.state and theirs.constraint == unknown.constraint
        self._attempted(who, what, theirs, passed=theirs.state != "" and alike)

    def works(self, who: str, what: str, outcome: Outcome) -> None:
        """Expect at least one row: the positive control of the denials."""
        self.controls += 1
        if outcome.rows is not None and outcome.rows > 0:
            self.controls_passed += 1
        else:
            self.failures.append(f"{self.subject}: {who}: {what}: does not work: {outcome}")

    def callable(self, who: str, what: str, outcome: Outcome) -> None:
        """Expect the right to call it; it may still refuse its arguments."""
        self.controls += 1
        if outcome.denied and outcome.message.startswith("permission denied for function"):
            self.failures.append(f"{self.subject}: {who}: {what}: {outcome}")
        else:
            self.controls_passed += 1

    def _attempted(self, who: str, what: str, outcome: Outcome, *, passed: bool) -> None:
        self.attempts += 1
        if not passed:
            self.failures.append(f"{self.subject}: {who}: {what}: {outcome}")
