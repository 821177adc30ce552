from typing import Final

from admin.tenants import routes
from insula.apps import Resource, Tag

RESOURCE: Final = Resource(
    tag=Tag(name="tenants", description="Every tenant of the installation."),
    routers=(routes.router,),
)
