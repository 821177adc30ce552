"""The watcher of source files; `test_terminal` shows it in `insula run`."""

from pathlib import Path

import pytest

from insula.cli.reloading import Watcher
from tests.dev.directories import wait_until


def test_a_watcher_that_fails_says_that_nothing_is_reloaded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = ""

    def is_shown() -> bool:
        nonlocal shown
        shown += capsys.readouterr().err
        return "\n" in shown

    with Watcher([tmp_path / "gone"]).watching():
        wait_until(is_shown)
    assert shown.startswith("edited code is not reloaded: ")
