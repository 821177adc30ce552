"""The results of ``make clients-check``: a table, ``build/clients.md`` and ``build/clients.json``."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

_COLUMNS: Final = (
    *("linter or generator", "version", "documents", "errors", "warnings"),
    *("lines generated", "compiles", "scenario", "seconds"),
)


@dataclass(slots=True)
class Row:
    """The results of one linter, or of one generator and the client that it made."""

    name: str
    version: str
    documents: int
    errors: int = 0
    warnings: int = 0
    lines: int | None = None
    compiles: bool | None = None
    scenario: int | None = None
    """The number of steps of the scenario that passed; None for a linter, 0 if the scenario failed."""

    seconds: float = 0
    findings: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether there is nothing to correct."""
        return not (self.errors or self.warnings or self.compiles is False or self.scenario == 0)

    def cells(self) -> Sequence[str]:
        """Return the row's cells."""
        compiles = {None: "", True: "yes", False: "NO"}[self.compiles]
        scenario = "" if self.scenario is None else f"{self.scenario} steps" if self.scenario else "FAILED"
        counts = (self.documents, self.errors, self.warnings, "" if self.lines is None else f"{self.lines:,}")
        return [self.name, self.version, *map(str, counts), compiles, scenario, f"{self.seconds:.1f}"]


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a table in Markdown whose columns are aligned."""
    cells = [_COLUMNS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_COLUMNS))]
    head, *body = (" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)
    rule = " | ".join("-" * width for width in widths)
    return "\n".join(f"| {line} |" for line in (head, rule, *body))


def write(rows: Sequence[Row], breaks: Sequence[str], seconds: float, folder: Path) -> None:
    """Write the results for people and for programs."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {"tools": [asdict(row) for row in rows], "breaking_changes": list(breaks), "seconds": round(seconds, 1)}
    (folder / "clients.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    broken = "\n".join(f"- {each}" for each in breaks) or "None."
    text = f"# Clients\n\n{table(rows)}\n\n{seconds:.0f} s in all.\n\n## Breaking changes\n\n{broken}\n"
    (folder / "clients.md").write_text(text, "utf-8")
