"""What a hole in the database is, and which holes can be tried together."""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.proof.suites import Tests

DATABASE = "the database"
"""What the behaviour suite calls what no table has."""


@dataclass(frozen=True)
class Probe:
    """What the behaviour suite must say of one table, or of the database itself; of one role, where one is named."""

    table: str
    role: str = ""

    @property
    def name(self) -> str:
        """How it is called in the report."""
        return f"the behaviour of {self.table}" + (f" towards {self.role}" if self.role else "")

    def sees(self, line: str) -> bool:
        """Tell whether a line of the behaviour suite speaks of this."""
        return line.startswith(f"{self.table}: {self.role}")


@dataclass(frozen=True)
class Hole:
    """A way in which the database no longer keeps tenants apart, and who must notice besides the gate."""

    name: str
    statements: tuple[str, ...]
    witness: Probe | Tests | None = None
    """None where the hole is harmless by itself, so that only the gate can tell."""
    undone_by: tuple[str, ...] = ()
    """What ends it again where its database's end does not, since roles are the server's."""

    @property
    def server_wide(self) -> bool:
        """Whether nothing else may run meanwhile."""
        return bool(self.undone_by)

    def disturbs(self, other: "Hole") -> bool:
        """Tell whether a failure could be told to be neither's: only other roles on one table are apart."""
        mine, theirs = self.witness, other.witness
        if not isinstance(mine, Probe) or not isinstance(theirs, Probe) or self.server_wide or other.server_wide:
            return True
        return mine.table != theirs.table or not mine.role or not theirs.role or mine.role == theirs.role


def batches(holes: Iterable[Hole]) -> list[list[Hole]]:
    """Return the holes in as few groups as there can be without one disturbing another."""
    found: list[list[Hole]] = []
    for hole in holes:
        for batch in found:
            if not any(hole.disturbs(other) for other in batch):
                batch.append(hole)
                break
        else:
            found.append([hole])
    return found
