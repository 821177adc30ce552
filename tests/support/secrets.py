"""The secrets that the apps declare in their settings."""

from collections.abc import Mapping

from pydantic import SecretStr

from insula.core.settings import Settings, local_secrets
from insula.core.settings_group import SettingsGroup


def secrets_of(settings: Settings) -> Mapping[str, str]:
    """Return the declared secrets, by ``group.field``."""
    found = {name: getattr(*_place(settings, name)) for name in local_secrets(settings)}
    return {name: secret.get_secret_value() for name, secret in found.items() if isinstance(secret, SecretStr)}


def with_secrets(settings: Settings, value: str) -> Settings:
    """Return the settings with ``value`` for each declared secret."""
    for name in local_secrets(settings):
        group, field = _place(settings, name)
        changed = group.model_copy(update={field: SecretStr(value)})
        settings = settings.model_copy(update={name.partition(".")[0]: changed})
    return settings


def _place(settings: Settings, name: str) -> tuple[SettingsGroup, str]:
    group, _, field = name.partition(".")
    found = getattr(settings, group)
    assert isinstance(found, SettingsGroup)
    return found, field
