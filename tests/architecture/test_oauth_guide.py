"""The guide on OAuth names, for each requirement of the authorization server, the test that holds it."""

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
GUIDE: Final = ROOT / "docs" / "guides" / "oauth.md"
_ROW: Final = re.compile(r"^\| (\d+) \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
_HELD: Final = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
LAST: Final = 47
NOT_BUILT: Final = "not built yet"


def entries() -> list[tuple[int, str]]:
    """Return each item's number, and what its row names."""
    return [(int(number), held) for number, held in _ROW.findall(GUIDE.read_text())]


def test_every_item_is_listed_once_in_order() -> None:
    assert [number for number, _ in entries()] == list(range(1, LAST + 1))


def test_every_item_names_a_test_that_exists_or_is_not_built_yet() -> None:
    missing = []
    for number, held in entries():
        named = _HELD.fullmatch(held)
        if named is None:
            assert held == NOT_BUILT, number
        elif not re.search(rf"def {named[2]}\(", (ROOT / named[1]).read_text()):
            missing.append((number, named[2]))
    assert missing == []
