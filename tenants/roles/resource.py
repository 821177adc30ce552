from typing import Final

from insula.apps import AttackHints, Resource, Tag
from insula.db.models import CustomRole
from insula.db.schema.rights import may
from tenants.database import TENANTS
from tenants.roles import routes
from tenants.roles.permissions import Action

RESOURCE: Final = Resource(
    tag=Tag(name="roles", description="What members may do: the built-in roles and the tenant's custom roles."),
    routers=(routes.router,),
    permissions=Action,
    attack=AttackHints(ids={"role_id": "custom_role"}, actions={"GET /v1/permissions": "role:read"}),
    tables=(
        may(TENANTS, "tenant", CustomRole, "SELECT", "INSERT", "DELETE"),
        # The key of a role never changes: members refer to it.
        may(TENANTS, "tenant", CustomRole, "UPDATE name, description, permissions, updated_at, version"),
    ),
)
