"""Where each app is mounted."""

from collections.abc import Mapping

from insula.http.public import AppName

MOUNTS: Mapping[AppName, str] = {"root": "", "tenants": "/api", "admin": "/admin", "billing": "/billing"}
