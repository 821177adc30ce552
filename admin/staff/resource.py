from typing import Final

from admin.staff import routes
from insula.apps import AttackHints, Resource, Tag

RESOURCE: Final = Resource(
    tag=Tag(name="staff", description="Who works for the platform, and as what."),
    routers=(routes.router,),
    attack=AttackHints(
        actions={"POST /v1/staff": "staff.staff:appoint", "DELETE /v1/staff/{staff_id}": "staff.staff:dismiss"}
    ),
)
