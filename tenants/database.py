"""This app's login to the database. Each resource declares its rights."""

from typing import Final

from insula.db.declared import DatabasePart, DeclaredRole
from insula.db.roles import AppRole

TENANTS: Final = AppRole("insula_tenants", weight=8)

DATABASE: Final = DatabasePart(roles=(DeclaredRole(role=TENANTS, actors=("user", "api_key")),))
