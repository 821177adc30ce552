from typing import Final

from admin.audit import routes
from insula.apps import AttackHints, Resource, Tag

RESOURCE: Final = Resource(
    tag=Tag(name="audit", description="Who did what, everywhere."),
    routers=(routes.router,),
    attack=AttackHints(actions={"GET /v1/audit-events": "staff.audit:read"}),
)
