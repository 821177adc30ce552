from typing import Final

from admin.overrides import routes
from insula.apps import AttackHints, Resource, Tag

RESOURCE: Final = Resource(
    tag=Tag(
        name="overrides", description="What staff grant a tenant in place of its plan, for a reason and for a time."
    ),
    routers=(routes.router,),
    attack=AttackHints(
        actions=dict.fromkeys(
            (
                "PUT /v1/tenants/{tenant_id}/overrides/{entitlement_key}",
                "DELETE /v1/tenants/{tenant_id}/overrides/{entitlement_key}",
            ),
            "staff.override:write",
        )
    ),
)
