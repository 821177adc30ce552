from typing import Final

from admin.webhooks import routes
from admin.webhooks.permissions import Action
from insula.apps import AttackHints, Resource, Tag

RESOURCE: Final = Resource(
    tag=Tag(name="webhooks", description="What the payment provider sent, and what became of it."),
    routers=(routes.router,),
    permissions=Action,
    attack=AttackHints(
        ids={"event_id": "webhook_event"},
        actions={
            "GET /v1/webhook-events": "staff.webhook:read",
            "POST /v1/webhook-events/{event_id}/replay": "staff.webhook:replay",
        },
    ),
)
