"""This app's login to the database. Each resource declares its rights."""

from typing import Final

from insula.db.declared import DatabasePart, DeclaredRole
from insula.db.roles import AppRole

ADMIN: Final = AppRole("insula_admin")

DATABASE: Final = DatabasePart(roles=(DeclaredRole(role=ADMIN, actors=("staff",), tenantless=("mail.send",)),))
