from typing import Final

from insula.apps import AttackHints, Resource, Tag
from tenants.items import demo, routes

RESOURCE: Final = Resource(
    tag=Tag(name="items", description="What is to be done in a project."),
    routers=(routes.router,),
    seed=demo.seed,
    attack=AttackHints(
        ids={"item_id": "project_item"},
        actions={"POST /v1/projects/{project_id}/items/bulk": "item:create"},
        rows={"project_item": 2 * ({"status": "open", "assignee_id": None},)},
    ),
)
