"""This app's login to the database, and of whom its resources speak besides. Each resource declares its rights."""

from typing import Final

from insula.db.declared import DatabasePart, DeclaredRole
from insula.db.roles import AppRole, OtherAppRole

TENANTS: Final = AppRole("insula_tenants", weight=8)
STAFF: Final = OtherAppRole("insula_admin")

DATABASE: Final = DatabasePart(roles=(DeclaredRole(role=TENANTS, actors=("user", "api_key")),))
