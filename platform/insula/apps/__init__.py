"""The manifests: what an app, a resource and an installation declare of themselves."""

from insula.app.factory import Tag
from insula.apps.attack import AttackHints
from insula.apps.demo import Demo, DemoTenant
from insula.apps.installation import Brand, Installation
from insula.apps.loading import load
from insula.apps.manifest import App, Resource
from insula.db.acting import act_for
from insula.errors import ManifestError, NoInstallation

__all__ = [
    "App",
    "AttackHints",
    "Brand",
    "Demo",
    "DemoTenant",
    "Installation",
    "ManifestError",
    "NoInstallation",
    "Resource",
    "Tag",
    "act_for",
    "load",
]
