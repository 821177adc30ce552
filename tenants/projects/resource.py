from typing import Final

from insula.apps import AttackHints, Resource, Tag
from tenants.projects import demo, routes

RESOURCE: Final = Resource(
    tag=Tag(name="projects", description="Pieces of work."),
    routers=(routes.router,),
    seed=demo.seed,
    attack=AttackHints(rows={"project": 2 * ({"status": "active"},)}),
)
