from typing import Final

from insula.apps import AttackHints, Resource, Tag
from insula.db.models import AuditEvent
from insula.db.schema.rights import may
from tenants.audit_events import routes
from tenants.audit_events.permissions import Action
from tenants.database import TENANTS

RESOURCE: Final = Resource(
    tag=Tag(name="audit", description="The tenant's tamper-evident audit log."),
    routers=(routes.router,),
    permissions=Action,
    attack=AttackHints(actions={"GET /v1/audit-events": "audit:read", "GET /v1/audit-events.csv": "audit:read"}),
    tables=(may(TENANTS, "tenant", AuditEvent, "SELECT"),),
)
