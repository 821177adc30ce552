"""Holes in the database, and which ones can be tried together."""

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
        """Return whether a line of the behaviour suite is about this."""
        return line.startswith(f"{self.table}: {self.role}")


@dataclass(frozen=True)
class Hole:
    """A change that breaks the separation of tenants, and what must detect it besides the catalogue check."""

    name: str
    statements: tuple[str, ...]
    witness: Probe | Tests | None = None
    """None if the hole is harmless by itself, so that only the catalogue check can detect it."""
    undone_by: tuple[str, ...] = ()
    """Statements that undo it if dropping the database does not, because roles belong to the server."""

    @property
    def server_wide(self) -> bool:
        """Whether nothing else may run at the same time."""
        return bool(self.undone_by)

    def disturbs(self, other: "Hole") -> bool:
        """Return whether a failure might not be attributable: only different roles on one table are independent."""
        mine, theirs = self.witness, other.witness
        if not isinstance(mine, Probe) or not isinstance(theirs, Probe) or self.server_wide or other.server_wide:
            return True
        return mine.table != theirs.table or not mine.role or not theirs.role or mine.role == theirs.role


def batches(holes: Iterable[Hole]) -> list[list[Hole]]:
    """Return the holes in few groups, none of which holds two that disturb each other."""
    found: list[list[Hole]] = []
    for hole in holes:
        for batch in found:
            if not any(hole.disturbs(other) for other in batch):
                batch.append(hole)
                break
        else:
            found.append([hole])
    return found
