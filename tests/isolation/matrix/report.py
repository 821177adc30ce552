"""The result of an attack: counts, and one line for each problem."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Report:
    """Each line names route, caller, position, selector and payload.

    ``leaks`` are texts of B that A saw, ``rows_changed`` are cells that changed B's rows, ``failures`` are
    all other problems: an unexpected answer, a refused control, a route that is not covered.
    """

    routes: int = 0
    routes_attacked: int = 0
    cells: int = 0
    cells_run: int = 0
    attempts: int = 0
    controls: int = 0
    controls_passed: int = 0
    leaks: tuple[str, ...] = ()
    rows_changed: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether everything was attacked and nothing was found."""
        complete = self.cells_run == self.cells and self.controls_passed == self.controls
        return complete and self.routes_attacked == self.routes and not self.findings

    @property
    def findings(self) -> tuple[str, ...]:
        """Every line, each with its kind."""
        kinds = {"leak": self.leaks, "rows changed": self.rows_changed, "failure": self.failures}
        return tuple(f"{kind}: {line}" for kind, lines in kinds.items() for line in lines)

    @property
    def figures(self) -> dict[str, int]:
        """The counts, including the numbers of lines."""
        return {name: value if isinstance(value, int) else len(value) for name, value in asdict(self).items()}

    def to_json(self) -> str:
        """Return the report as JSON."""
        return json.dumps(asdict(self), indent=2)

    @staticmethod
    def of(reports: "Iterable[Report]") -> "Report":
        """Add up the reports of single routes."""
        total = Report()
        for report in reports:
            total = Report(**{name: value + getattr(report, name) for name, value in vars(total).items()})
        return total
