"""The proof's figures, and the reasons why they are no proof."""

from dataclasses import asdict, dataclass, fields, replace
from typing import Final, TypedDict

KILLED_AT_LEAST: Final = 0.95


class Survivor(TypedDict):
    """A mutant that no suite detected, and why that is correct; the explanation is empty if there is none."""

    mutant: str
    suite: str
    detail: str
    explanation: str


@dataclass(frozen=True)
class Figures:
    """The figures of ``build/prove.json``; None for parts that did not run."""

    routes: int | None = None
    routes_attacked: int | None = None
    cells: int | None = None
    cells_run: int | None = None
    attempts: int | None = None
    controls: int | None = None
    controls_passed: int | None = None
    leaks: int | None = None
    foreign_rows_changed: int | None = None
    tables: int | None = None
    tables_passed: int | None = None
    mutants: int | None = None
    mutants_killed: int | None = None
    survivors: tuple[Survivor, ...] | None = None
    pooler_leaks: int | None = None

    def joined(self, other: "Figures") -> "Figures":
        """Return these figures, updated with those of ``other``."""
        return replace(self, **{name: value for name, value in vars(other).items() if value is not None})

    def to_json(self) -> dict[str, object]:
        """Return the figures for ``json.dump``."""
        return asdict(self)


def shortcomings(figures: Figures) -> list[str]:
    """Return why the figures are no proof, one line each; parts that did not run are left out."""
    found = [
        *_less(figures, "routes", "routes_attacked"),
        *_less(figures, "cells", "cells_run"),
        *_less(figures, "controls", "controls_passed"),
        *_less(figures, "tables", "tables_passed"),
        *_any(figures, "leaks"),
        *_any(figures, "foreign_rows_changed"),
        *_any(figures, "pooler_leaks"),
    ]
    if figures.mutants is not None and figures.mutants_killed is not None:
        if figures.mutants == 0 or figures.mutants_killed < KILLED_AT_LEAST * figures.mutants:
            found.append(
                f"{figures.mutants_killed} of {figures.mutants} mutants killed, less than {KILLED_AT_LEAST:.0%}"
            )
        survivors = figures.survivors or ()
        if figures.mutants_killed + len(survivors) != figures.mutants:
            found.append("the suites of some mutants could not run")
        found += [f"{one['mutant']}: survived, unexplained" for one in survivors if not one["explanation"]]
    return found


def left_out(figures: Figures) -> list[str]:
    """Return the names of the figures of parts that did not run."""
    return [field.name for field in fields(figures) if getattr(figures, field.name) is None]


def _less(figures: Figures, whole: str, part: str) -> list[str]:
    expected, actual = getattr(figures, whole), getattr(figures, part)
    if expected is None:
        return []
    return [] if actual == expected > 0 else [f"{part} is {actual}, {whole} is {expected}"]


def _any(figures: Figures, name: str) -> list[str]:
    count = getattr(figures, name)
    return [f"{name}: {count}"] if count else []
