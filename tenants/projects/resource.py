from typing import Final

from insula.apps import AttackHints, Resource, Tag
from tenants.projects import routes

RESOURCE: Final = Resource(
    tag=Tag(name="projects", description="Pieces of work."),
    routers=(routes.router,),
    attack=AttackHints(rows={"project": 2 * ({"status": "active"},)}),
)
