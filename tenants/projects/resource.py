from typing import Final

from insula.apps import Resource, Tag
from tenants.projects import routes

RESOURCE: Final = Resource(
    tag=Tag(name="projects", description="Pieces of work."),
    routers=(routes.router,),
)
