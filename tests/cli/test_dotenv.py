"""`.env` in the current folder holds settings for every command."""

import os
from pathlib import Path

import pytest

from insula.cli.dotenv import UnreadableFile, load_file
from insula.core.settings import Settings
from tests.support.processes import insula_in


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("INSULA_BASE_DOMAIN", "INSULA_MAIL_SENDER", "INSULA_LOG_LEVEL"):
        monkeypatch.setenv(name, "")  # restored after the test
        monkeypatch.delenv(name)
    return tmp_path / ".env"


def test_its_lines_are_settings_and_the_environment_wins(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(
        "# mine\n\nexport INSULA_BASE_DOMAIN=acme.test # why\n"
        "INSULA_MAIL_SENDER='A $B <a@b.test>'\nINSULA_LOG_LEVEL=DEBUG\n"
    )
    monkeypatch.setenv("INSULA_LOG_LEVEL", "ERROR")
    load_file(file)

    assert os.environ["INSULA_BASE_DOMAIN"] == "acme.test"
    assert os.environ["INSULA_MAIL_SENDER"] == "A $B <a@b.test>"
    assert os.environ["INSULA_LOG_LEVEL"] == "ERROR"


def test_a_missing_file_is_no_error(file: Path) -> None:
    load_file(file)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("A=1\n\n\nINSULA_LOG_LEVEL: DEBUG\n", "line 4: write NAME=value, or # before a comment"),
        ("INSULA_LOG_LEVEL\n", "line 1: write NAME=value, or # before a comment"),
        ("A=1\nINSULA_MAIL_SENDER='canary\n", "line 2: write NAME=value, or # before a comment"),
    ],
)
def test_a_malformed_line_is_named_by_its_number_and_not_shown(file: Path, text: str, reason: str) -> None:
    file.write_text(text)
    with pytest.raises(UnreadableFile) as refused:
        load_file(file)

    assert str(refused.value).endswith(reason)
    assert "canary" not in str(refused.value)


def test_every_command_reads_it_and_names_a_malformed_line(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("INSULA_HTTP_COLOUR=blue\n")
    unknown = insula_in(tmp_path, settings, "doctor")
    (tmp_path / ".env").write_text("colour\n")
    malformed = insula_in(tmp_path, settings, "doctor")

    assert unknown.stderr == "insula: INSULA_HTTP_COLOUR is wrong: there is no such setting (see .env.example)\n"
    assert malformed.stderr == "insula: .env, line 1: write NAME=value, or # before a comment\n"
    assert unknown.returncode == malformed.returncode == 1
