from typing import Final

from insula.apps import Resource, Tag
from tenants.usage import routes

RESOURCE: Final = Resource(
    tag=Tag(name="usage", description="How much of its plan the tenant uses."),
    routers=(routes.router,),
)
