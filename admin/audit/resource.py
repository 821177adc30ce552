from typing import Final

from admin.audit import routes
from admin.audit.permissions import Action
from admin.database import ADMIN
from insula.apps import AttackHints, Resource, Tag
from insula.db.models import AuditEvent
from insula.db.schema.rights import may

RESOURCE: Final = Resource(
    tag=Tag(name="audit", description="The audit logs of all tenants and of the platform."),
    routers=(routes.router,),
    permissions=Action,
    attack=AttackHints(actions={"GET /v1/audit-events": "staff.audit:read"}),
    tables=(may(ADMIN, "all", AuditEvent, "SELECT"),),
)
