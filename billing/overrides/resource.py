from typing import Final

from billing.database import BILLING, STAFF
from billing.overrides import jobs, routes
from billing.overrides.models import EntitlementOverride
from billing.overrides.permissions import Action
from insula.apps import AttackHints, Resource, Tag
from insula.db.engine.roles import WORKER
from insula.db.models import Entitlement
from insula.db.schema.rights import COMMANDS, may

RESOURCE: Final = Resource(
    jobs=jobs.JOBS,
    schedules=jobs.SCHEDULES,
    tables=(
        may(BILLING, "tenant", EntitlementOverride, "SELECT", "DELETE"),
        may(WORKER, "all", EntitlementOverride, "SELECT tenant_id, expires_at"),  # lifts expired ones
    ),
)

FOR_STAFF: Final = Resource(
    tag=Tag(name="overrides", description="Amounts that staff grant a tenant in place of its plan's, with a reason."),
    routers=(routes.router,),
    permissions=Action,
    attack=AttackHints(
        actions=dict.fromkeys(
            (
                "PUT /v1/tenants/{tenant_id}/overrides/{entitlement_key}",
                "DELETE /v1/tenants/{tenant_id}/overrides/{entitlement_key}",
            ),
            "staff.override:write",
        )
    ),
    tables=(
        may(STAFF, "tenant", EntitlementOverride, *COMMANDS),
        may(STAFF, "all", Entitlement, "SELECT"),
        may(STAFF, "tenant", Entitlement, "UPDATE value, updated_at", "DELETE"),  # those that the plan does not grant
    ),
)
"""For the admin app. Its own resources give it the rights to read every tenant, and to lock one for a change."""
