"""The settings of an installation: the kernel's, and one group for each app that declares one."""

from insula.apps.installation import Installation
from insula.apps.loading import load
from insula.core.settings import Settings


def read(settings: Settings | None = None, installation: Installation | None = None) -> tuple[Settings, Installation]:
    """Return the settings with the apps' groups, and the installation that they name.

    Without arguments, reads the settings from the environment and loads the installation.
    """
    settings = settings or Settings()
    installation = installation or load(settings.installation)
    return complete(settings, installation), installation


def complete(settings: Settings, installation: Installation) -> Settings:
    """Return ``settings`` with the apps' groups. Reads missing groups from the environment."""
    kind = installation.settings_type
    if isinstance(settings, kind):
        return settings
    return kind(**{name: getattr(settings, name) for name in settings.model_fields_set & kind.model_fields.keys()})
