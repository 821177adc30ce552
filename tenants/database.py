"""This app's database role. Each resource declares the role's rights."""

from typing import Final

from insula.db.engine.roles import AppRole
from insula.db.schema.declarations import DatabasePart, DeclaredRole

TENANTS: Final = AppRole("insula_tenants", weight=8)

DATABASE: Final = DatabasePart(roles=(DeclaredRole(role=TENANTS),))
