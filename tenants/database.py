"""This app's login to the database. Each resource declares its rights."""

from typing import Final

from insula.db.engine.roles import AppRole
from insula.db.schema.declarations import DatabasePart, DeclaredRole

TENANTS: Final = AppRole("insula_tenants", weight=8)

DATABASE: Final = DatabasePart(roles=(DeclaredRole(role=TENANTS),))
