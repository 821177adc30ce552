"""The commands of the installation's apps. Imported only when needed, since it imports every app."""

from collections.abc import Mapping

from insula.apps import load
from insula.cli.failing import report_errors
from insula.core.settings import Settings


def commands() -> Mapping[str, str]:
    """Return the module of each command, by the command's name."""
    with report_errors():
        return load(Settings().installation).commands
