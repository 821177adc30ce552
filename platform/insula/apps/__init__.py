"""The manifests: declarations of an app, a resource and an installation."""

from insula.apps.demo import Demo, DemoTenant
from insula.apps.installation import Brand, Installation
from insula.apps.loading import load
from insula.apps.manifest import App, AttackHints, Resource
from insula.core.errors import ManifestError, NoInstallation
from insula.db.schema.entering import enter_tenant
from insula.site.factory import Tag

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
    "enter_tenant",
    "load",
]
