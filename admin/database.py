"""This app's database role. Each resource declares the role's rights."""

from typing import Final

from insula.db.engine.roles import AppRole
from insula.db.schema.declarations import DatabasePart, DeclaredRole

ADMIN: Final = AppRole("insula_admin")

DATABASE: Final = DatabasePart(roles=(DeclaredRole(role=ADMIN, tenantless=("mail.send",)),))
