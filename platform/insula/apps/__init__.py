"""The manifests: what an app, a resource and an installation declare of themselves."""

from insula.app.factory import Tag
from insula.apps.installation import NoInstallation, load
from insula.apps.manifest import App, Brand, Installation, ManifestError, Resource

__all__ = ["App", "Brand", "Installation", "ManifestError", "NoInstallation", "Resource", "Tag", "load"]
