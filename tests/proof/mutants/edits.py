"""A hole in the source: one place of one file that says something else."""

from dataclasses import dataclass
from pathlib import Path

from tests.proof.suites import Suite


class AnchorLost(LookupError):
    """The source no longer says what a mutant changes: give the mutant its new place, or take it out."""


@dataclass(frozen=True)
class Edit:
    """Replaces ``anchor``, which stands in the file so many times, by ``instead``; the suite must notice."""

    name: str
    path: str
    anchor: str
    instead: str
    suite: Suite
    times: int = 1
    local: bool = False
    """Whether it changes what the one route of its suite does, and nothing else: such are tried together."""

    def applied(self, root: Path, text: str | None = None) -> str:
        """Return the file's text, or ``text``, with the hole in it. Raises AnchorLost."""
        path = root / self.path
        if text is None:
            text = path.read_text() if path.exists() else ""
        found = text.count(self.anchor)
        if found != self.times:
            raise AnchorLost(f"{self.name}: stands {found} times in {self.path}, not {self.times}: {self.anchor!r}")
        return text.replace(self.anchor, self.instead)
