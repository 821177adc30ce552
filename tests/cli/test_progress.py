"""Steps show texts as they are: a folder's name can look like a style of the terminal."""

import pytest

from insula.cli.progress import step

FOLDER = "/srv/[/old] [red]data"


def test_a_step_shows_a_folder_whose_name_looks_like_a_style(capsys: pytest.CaptureFixture[str]) -> None:
    with step(f"creating {FOLDER}", f"created {FOLDER}") as say:
        say(f"waiting for {FOLDER}")
    assert f"created {FOLDER}" in capsys.readouterr().err
