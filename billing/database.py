"""This app's database role, and the other roles that its resources name. Each resource declares the roles' rights."""

from typing import Final

from insula.db.engine.roles import AppRole, OtherAppRole
from insula.db.schema.declarations import DatabasePart, DeclaredRole

BILLING: Final = AppRole("insula_billing")
TENANTS: Final = OtherAppRole("insula_tenants")
STAFF: Final = OtherAppRole("insula_admin")

DATABASE: Final = DatabasePart(
    roles=(DeclaredRole(role=BILLING, actors=("provider", "system"), in_worker=True),),
    plans="plan",
    actor_kinds=("provider",),
)
