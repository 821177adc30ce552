"""Applies the code blocks of a guide to a copy of the project."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from insula.db.schema.branches import Revision, heads
from tests.support.apps import DECLARED

MOST_LINES: Final = 100
"""The most lines of code for the guide's resource."""

_BLOCK: Final = re.compile(r"^```\w+\n# (\S+?)(?:, ([^\n]+))?\n(.*?)^```", re.MULTILINE | re.DOTALL)
_EDIT: Final = re.compile(r"(after|before|instead of) `(.+)`")


@dataclass(frozen=True)
class Block:
    """Code for a new file, or for an existing one: ``after``, ``before`` or ``instead of`` a given line."""

    file: str
    where: str
    code: str

    def follow(self, root: Path) -> None:
        """Write the code to its file."""
        path = root / self.file
        code = _next_in_line(self.code)
        if not self.where:
            path.parent.mkdir(exist_ok=True)
            path.write_text(code)
            return
        text = path.read_text()
        if self.where == "at the end":
            path.write_text(text + code)
            return
        found = _EDIT.fullmatch(self.where)
        if found is None or text.count(f"{found[2]}\n") != 1:
            raise ValueError(f"{self.file} does not have the guide's line exactly once: {self.where}")
        anchor = f"{found[2]}\n"
        changed = {"after": anchor + code, "before": code + anchor, "instead of": code}
        path.write_text(text.replace(anchor, changed[found[1]]))


def blocks_of(page: Path) -> Sequence[Block]:
    """Return the blocks that name a file in a comment, their first line."""
    return [Block(*found) for found in _BLOCK.findall(page.read_text())]


def lines_of_code(source: str) -> int:
    """Return the number of lines that are not blank, an import or the first line of a docstring."""
    lines = (line.strip() for line in source.splitlines())
    return sum(1 for line in lines if line and not line.startswith(("import ", "from ", '"""')))


def _next_in_line(code: str) -> str:
    """Make the guide's migration follow the last one of its branch."""
    last = heads(DECLARED.branches)["tenants"]
    return code.replace("tenants_0002", f"tenants_{Revision.of(last).number + 1:04}").replace('"…"', f'"{last}"')
