from typing import Final

from insula.apps import Resource, Tag
from tenants.items import routes

RESOURCE: Final = Resource(
    tag=Tag(name="items", description="What is to be done in a project."),
    routers=(routes.router,),
)
