"""The example can be left out: only its own tests name it, and only its app imports it."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.project import EXAMPLE, PACKAGES, ROOT

ALLOWED = ("tests/adopt/", "tests/support/project.py")
"""These leave the example out, so they name it."""
APP = "tenants/app.py"
IMPORTED = re.compile(r"\btenants\.(projects|items)\b|\btenants import (projects|items)\b")
NAMED = re.compile(rf"{IMPORTED.pattern}|/projects\b|\bproject_item\b|[\"'](project|item):[a-z]+[\"']")


def files(*folders: str) -> Iterator[tuple[str, str]]:
    """Yield the Python files in these folders that do not belong to the example, with their text."""
    for path in sorted(path for folder in folders for path in Path(ROOT, folder).rglob("*.py")):
        name = str(path.relative_to(ROOT))
        if not name.startswith(EXAMPLE) and name != APP:
            yield name, path.read_text()


def test_only_its_app_imports_the_example() -> None:
    assert IMPORTED.search((ROOT / APP).read_text())
    assert [name for name, text in files(*PACKAGES, "benchmarks", "scripts") if IMPORTED.search(text)] == []


def test_only_its_tests_name_the_example() -> None:
    assert NAMED.search(Path(__file__).with_name("calls.py").read_text())
    found = [name for name, text in files("tests") if NAMED.search(text)]
    assert [name for name in found if not name.startswith(ALLOWED)] == []
