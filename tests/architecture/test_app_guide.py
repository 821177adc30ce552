"""`docs/guides/add-an-app.md` and `docs/guides/callers.md` show the code of `examples/support`."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.guide import Block, blocks_of
from tests.support.project import ROOT

GUIDES = ROOT / "docs" / "guides"
EXAMPLES = next(home for home in (ROOT / "examples", ROOT) if (home / "support" / "app.py").exists())
"""The folder with the example; in a product that copied the example it is the root."""


def shown(page: str) -> Sequence[Block]:
    """Return the blocks of the guide that show files of the example."""
    return [block for block in blocks_of(GUIDES / page) if block.file.startswith("support/")]


@pytest.mark.parametrize("page", ["add-an-app.md", "callers.md"])
def test_a_guide_shows_the_code_of_the_example(page: str) -> None:
    blocks = shown(page)
    assert blocks
    for block in blocks:
        assert block.code.strip("\n") in (EXAMPLES / block.file).read_text(), block.file


@pytest.mark.skipif(EXAMPLES == ROOT, reason="the guide was followed here already")
def test_the_lines_that_the_guide_changes_exist(tmp_path: Path) -> None:
    edits = [block for block in blocks_of(GUIDES / "add-an-app.md") if block.where]
    for file in {block.file for block in edits}:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    for block in edits:
        block.follow(tmp_path)
        assert block.code in (tmp_path / block.file).read_text()
    assert len(edits) == 5


def test_each_file_that_the_guide_names_exists() -> None:
    table = [line for line in (GUIDES / "add-an-app.md").read_text().splitlines() if line.startswith("| `support/")]
    named = [part for line in table for part in line.split("|")[1].replace("`", "").replace(",", " ").split()]
    assert len(named) > len(table)
    assert [name for name in named if not (EXAMPLES / Path(name)).exists()] == []
