"""A mutant in the source: a replacement of text in one file."""

from dataclasses import dataclass
from pathlib import Path

from tests.proof.suites import Suite


class AnchorLost(LookupError):
    """The source no longer contains a mutant's anchor: update the anchor, or remove the mutant."""


@dataclass(frozen=True)
class Edit:
    """Replaces ``anchor``, which occurs ``times`` times in the file, with ``instead``; the suite must detect it."""

    name: str
    path: str
    anchor: str
    instead: str
    suite: Suite
    times: int = 1
    local: bool = False
    """Whether it changes only the one route of its suite: such edits are tried together."""

    def applied(self, root: Path, text: str | None = None) -> str:
        """Return the file's text, or ``text``, with the replacement. Raises AnchorLost."""
        path = root / self.path
        if text is None:
            text = path.read_text() if path.exists() else ""
        found = text.count(self.anchor)
        if found != self.times:
            raise AnchorLost(
                f"{self.name}: the anchor occurs {found} times in {self.path}, not {self.times}: {self.anchor!r}"
            )
        return text.replace(self.anchor, self.instead)
