"""An app declares its settings; their variables are named after the app, and code reads them by their type."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import SecretStr

from insula.apps import Installation
from insula.apps.settings import complete
from insula.cli.environment import dump, example, load, to_environment
from insula.core.settings import (
    DatabaseSettings,
    LocalSecret,
    Settings,
    UndeclaredSettings,
    local_secrets,
)
from insula.core.settings_group import SettingsGroup
from insula.dev.embedded.secrets import LocalSecrets, declared_secrets
from tests.apps.test_manifest import APP, BRAND


class SupportSettings(SettingsGroup):
    desk: str = "Desk 1"
    token: Annotated[SecretStr, LocalSecret("desk_token", prefix="desk_")] = SecretStr("")

    def unsafe(self) -> list[str]:
        return [] if self.desk else ["INSULA_SUPPORT_DESK is not set"]


class ShopSettings(SettingsGroup):
    desk: str = "Till 1"


SUPPORT = replace(APP, settings=SupportSettings)
INSTALLATION = Installation(brand=BRAND, apps=(SUPPORT,))


def test_variables_of_settings_begin_with_the_apps_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert INSTALLATION.settings_type().of(SupportSettings) == SupportSettings()
    monkeypatch.setenv("INSULA_SUPPORT_DESK", "Desk 2")
    assert INSTALLATION.settings_type().of(SupportSettings).desk == "Desk 2"


def test_undeclared_settings_cannot_be_read() -> None:
    with pytest.raises(UndeclaredSettings, match=r"ShopSettings: name it in the app's App\(settings="):
        INSTALLATION.settings_type().of(ShopSettings)


def test_completed_settings_keep_the_values_that_were_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSULA_SUPPORT_DESK", "Desk 3")
    given = Settings(log_level="ERROR", database=DatabaseSettings(budget=30))
    found = complete(given, INSTALLATION)
    assert (found.log_level, found.database.budget, found.of(SupportSettings).desk) == ("ERROR", 30, "Desk 3")
    assert found.model_fields_set == {"log_level", "database", "support"}
    assert complete(found, INSTALLATION) is found


def test_completing_drops_the_settings_of_another_installation() -> None:
    found = complete(complete(Settings(), INSTALLATION), Installation(brand=BRAND, apps=(APP,)))
    assert "support" not in type(found).model_fields
    assert "INSULA_SUPPORT_DESK" not in to_environment(found)


def test_an_apps_settings_are_in_the_environment_the_dump_and_the_example() -> None:
    settings = INSTALLATION.settings_type().model_copy(update={"support": SupportSettings(desk="Desk 4")})
    assert to_environment(settings)["INSULA_SUPPORT_DESK"] == "Desk 4"
    assert load(dump(settings), type(settings)) == settings
    assert load(dump(settings), Settings) == Settings.model_validate(json.loads(dump(Settings())))
    assert "#INSULA_SUPPORT_DESK=Desk 1" in example(type(settings)).splitlines()


def test_an_apps_unsafe_settings_are_reported_first() -> None:
    settings = INSTALLATION.settings_type()
    unset = settings.model_copy(update={"support": SupportSettings(desk="")})
    assert [*unset.unsafe()] == ["INSULA_SUPPORT_DESK is not set", *settings.unsafe()]


class TestLocalSecrets:
    def test_each_declared_secret_is_created_once(self, tmp_path: Path) -> None:
        marked = local_secrets(INSTALLATION.settings_type())
        assert [*marked] == ["support.token"]
        LocalSecrets.load_or_create(tmp_path)
        made = declared_secrets(tmp_path, marked.values())
        assert made["desk_token"].startswith("desk_")
        assert len(made["desk_token"]) > 40
        assert declared_secrets(tmp_path, marked.values()) == made

    def test_existing_secrets_are_kept(self, tmp_path: Path) -> None:
        kept = LocalSecrets.load_or_create(tmp_path)
        path = tmp_path / "secrets.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "webhook_secret": "whsec_old"}))
        found = declared_secrets(tmp_path, [LocalSecret("webhook_secret", "whsec_"), LocalSecret("desk_token")])
        assert found["webhook_secret"] == "whsec_old"
        assert LocalSecrets.load_or_create(tmp_path) == kept
        assert json.loads(path.read_text()) == dict(found)
        assert path.stat().st_mode & 0o777 == 0o600
