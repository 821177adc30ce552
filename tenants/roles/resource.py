from typing import Final

from insula.apps import AttackHints, Resource, Tag
from tenants.roles import routes

RESOURCE: Final = Resource(
    tag=Tag(name="roles", description="What members may do: the built-in roles, and the tenant's own."),
    routers=(routes.router,),
    attack=AttackHints(ids={"role_id": "custom_role"}, actions={"GET /v1/permissions": "role:read"}),
)
