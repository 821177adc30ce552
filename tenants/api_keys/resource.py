from typing import Final

from insula.apps import Resource, Tag
from tenants.api_keys import routes

RESOURCE: Final = Resource(
    tag=Tag(name="api-keys", description="Machines that act in the tenant."),
    routers=(routes.router,),
)
