from typing import Final

from insula.apps import Resource, Tag
from tenants.roles import routes

RESOURCE: Final = Resource(
    tag=Tag(name="roles", description="What members may do: the built-in roles, and the tenant's own."),
    routers=(routes.router,),
)
