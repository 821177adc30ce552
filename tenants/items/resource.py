from typing import Final

from insula.apps import AttackHints, Resource, Tag
from insula.db.schema.rights import owned
from tenants.items import demo, routes
from tenants.items.models import ITEMS, ProjectItem
from tenants.items.permissions import Action

RESOURCE: Final = Resource(
    tag=Tag(name="items", description="The things to do in a project."),
    routers=(routes.router,),
    seed=demo.seed,
    permissions=Action,
    attack=AttackHints(
        ids={"item_id": "project_item"},
        actions={"POST /v1/projects/{project_id}/items/bulk": "item:create"},
        rows={"project_item": 2 * ({"status": "open", "assignee_id": None},)},
    ),
    tables=(owned(ProjectItem),),
    entitlements=(ITEMS,),
)
