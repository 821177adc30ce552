"""Mutants of the database, and batches of them that can be tried together."""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.proof.suites import Tests

DATABASE = "the database"
"""The behaviour suite's name for everything that belongs to no table."""


@dataclass(frozen=True)
class Probe:
    """A part of the behaviour suite that must fail: on one table or the database itself, for one role or all."""

    table: str
    role: str = ""

    @property
    def name(self) -> str:
        """The name in the report."""
        return f"the behaviour of {self.table}" + (f" towards {self.role}" if self.role else "")

    def sees(self, line: str) -> bool:
        """Return whether a line of the behaviour suite's report is about this table and role."""
        return line.startswith(f"{self.table}: {self.role}")


@dataclass(frozen=True)
class SchemaMutant:
    """A change that breaks the separation of tenants; its witness, like the catalogue check, must detect it."""

    name: str
    statements: tuple[str, ...]
    witness: Probe | Tests | None = None
    """None if the mutant is harmless by itself, so that only the catalogue check can detect it."""
    undone_by: tuple[str, ...] = ()
    """Statements that undo it if dropping the database does not, because roles belong to the server."""

    @property
    def server_wide(self) -> bool:
        """Whether nothing else may run at the same time."""
        return bool(self.undone_by)

    def disturbs(self, other: "SchemaMutant") -> bool:
        """Return whether a failure might not be attributable: only different roles on one table are independent."""
        mine, theirs = self.witness, other.witness
        if not isinstance(mine, Probe) or not isinstance(theirs, Probe) or self.server_wide or other.server_wide:
            return True
        return mine.table != theirs.table or not mine.role or not theirs.role or mine.role == theirs.role


def batches(mutants: Iterable[SchemaMutant]) -> list[list[SchemaMutant]]:
    """Return the mutants in as few groups as possible, each without two that disturb each other."""
    found: list[list[SchemaMutant]] = []
    for mutant in mutants:
        for batch in found:
            if not any(mutant.disturbs(other) for other in batch):
                batch.append(mutant)
                break
        else:
            found.append([mutant])
    return found
