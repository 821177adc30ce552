from typing import Final

from admin.database import ADMIN
from admin.overrides import routes
from admin.overrides.permissions import Action
from insula.apps import AttackHints, Resource, Tag
from insula.db.models import Entitlement
from insula.db.rights import may

RESOURCE: Final = Resource(
    tag=Tag(
        name="overrides", description="What staff grant a tenant in place of its plan, for a reason and for a time."
    ),
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
        may(ADMIN, "all", Entitlement, "SELECT"),
        may(ADMIN, "tenant", Entitlement, "UPDATE value, updated_at", "DELETE"),  # what no plan grants
    ),
)
