"""Settings travel through the environment unchanged, and `.env.example` names each of them."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from insula.cli.environment import changed, dump, example, load, to_environment
from insula.core.settings import DatabaseSettings, HttpSettings, Settings
from tests.support.apps import INSTALLATION

ROOT = Path(__file__).parents[2]


def test_env_example_is_up_to_date() -> None:
    written = (ROOT / ".env.example").read_text()
    assert written == example(INSTALLATION.settings_type), "fix with: .venv/bin/python scripts/env_example.py"


def test_a_child_process_reads_the_same_settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = settings.model_copy(update={"http": HttpSettings(cors_origins=("https://a.example", "https://b.example"))})
    for name, value in to_environment(sent).items():
        monkeypatch.setenv(name, value)
    assert INSTALLATION.settings_type() == sent


def test_loading_a_dump_ignores_the_environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/db")
    monkeypatch.setenv("INSULA_DATABASE_BUDGET", "99")
    assert load(dump(settings), type(settings)) == settings


def test_explicitly_set_settings_are_not_changed() -> None:
    given = Settings(log_level="ERROR", database=DatabaseSettings(budget=30))
    wanted = {"log_level": "DEBUG", "database.budget": 9, "database.roles_secret": SecretStr("x")}
    assert changed(given, wanted) == Settings(
        log_level="ERROR", database=DatabaseSettings(budget=30, roles_secret=SecretStr("x"))
    )
