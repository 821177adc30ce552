"""The statements of an upgrade from the previous release are checked, revision by revision."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from anyio import to_thread

from insula.core.settings import Settings
from scripts.check_migrations import DECLARED, check_upgrade
from tests.support.databases import empty_database

HARMFUL = 'op.execute("CREATE INDEX ix_project_harmful ON project (description)")'


@pytest.fixture
async def earlier(settings: Settings) -> AsyncIterator[Settings]:
    async with empty_database(settings) as own:
        yield own


def with_harm(former: Path, directory: Path) -> Path:
    """Copy the revisions of the former single chain, and add to one an index that blocks writes."""
    folder = Path(shutil.copytree(former, directory / "former"))
    [changed] = folder.glob("*_1610_*.py")
    source = changed.read_text()
    changed.write_text(source.replace("def upgrade() -> None:\n", f"def upgrade() -> None:\n    {HARMFUL}\n"))
    assert changed.read_text() != source
    return folder


async def test_a_statement_that_holds_up_requests_is_found_in_the_single_chain(
    earlier: Settings, settings: Settings, tmp_path: Path
) -> None:
    assert DECLARED.former is not None
    harmful = replace(DECLARED, former=with_harm(DECLARED.former, tmp_path))
    with pytest.raises(RuntimeError, match="1610_one_spelling: require-concurrent-index-creation"):
        await to_thread.run_sync(check_upgrade, earlier, harmful)
    async with empty_database(settings) as own:
        await to_thread.run_sync(check_upgrade, own)
