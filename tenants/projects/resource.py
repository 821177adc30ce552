from pathlib import Path
from typing import Final

from insula.apps import AttackHints, Resource, Tag
from insula.db.schema.branches import Branch
from insula.db.schema.rights import owned
from tenants.projects import demo, routes
from tenants.projects.models import PROJECTS, Project
from tenants.projects.permissions import Action

RESOURCE: Final = Resource(
    tag=Tag(name="projects", description="The tenant's projects."),
    routers=(routes.router,),
    seed=demo.seed,
    permissions=Action,
    attack=AttackHints(rows={"project": 2 * ({"status": "active"},)}),
    tables=(owned(Project),),
    entitlements=(PROJECTS,),
    migrations=Branch("example", Path(__file__).parent / "migrations"),
)
