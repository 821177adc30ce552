"""Finds the installation that this process serves."""

from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from insula.apps.installation import Installation
from insula.core.collector import paused
from insula.core.errors import NoInstallation
from insula.db.schema.base import metadata
from insula.db.schema.declaration_check import check

GROUP: Final = "insula.installation"
"""The group of entry points. Insula's own is named ``default``; a product's takes precedence."""

_DEFAULT: Final = "default"


def load(reference: str = "") -> Installation:
    """Return the installation that ``reference`` names as ``module:name``, or the installed one.

    Without a reference, a package's entry point in the group ``insula.installation`` names it. Raises NoInstallation
    if there is none, if several products declare one, or if the name is no Installation; ManifestError for a declared
    table or column that no model has.
    """
    named = reference or _installed()
    module, _, name = named.partition(":")
    if not module or not name:
        raise NoInstallation(f"INSULA_INSTALLATION={named!r} must be module:name, such as acme.app:INSTALLATION")
    try:
        with paused():
            found = getattr(import_module(module), name, None)
    except ModuleNotFoundError as error:
        raise NoInstallation(f"the installation {named}: {error}; install the package or set PYTHONPATH") from error
    if not isinstance(found, Installation):
        raise NoInstallation(f"the installation {named}: {module} has no Installation of the name {name}")
    check(found.database, metadata)
    return found


def _installed() -> str:
    points: dict[str, EntryPoint] = {point.name: point for point in entry_points(group=GROUP)}
    default = points.pop(_DEFAULT, None)
    if len(points) > 1:
        raise NoInstallation(
            f"several installations are installed ({', '.join(sorted(points))}): name one with INSULA_INSTALLATION"
        )
    chosen = next(iter(points.values()), default)
    if chosen is None:
        raise NoInstallation("no installation is installed: set INSULA_INSTALLATION to module:name")
    return chosen.value
