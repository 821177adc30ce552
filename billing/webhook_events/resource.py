from typing import Final

from billing.database import STAFF
from billing.webhook_events import routes
from billing.webhook_events.permissions import Action
from billing.webhooks.models import WebhookEvent
from insula.apps import AttackHints, Resource, Tag
from insula.db.schema.rights import may

FOR_STAFF: Final = Resource(
    tag=Tag(name="webhooks", description="The payment provider's events, and how they were processed."),
    routers=(routes.router,),
    permissions=Action,
    attack=AttackHints(
        ids={"event_id": "webhook_event"},
        actions={
            "GET /v1/webhook-events": "staff.webhook:read",
            "POST /v1/webhook-events/{event_id}/replay": "staff.webhook:replay",
        },
    ),
    tables=(
        # Staff see events without their payload, and can replay failed ones.
        may(
            STAFF,
            "all",
            WebhookEvent,
            "SELECT id, provider, event_id, type, customer, tenant_id, status, attempts, next_attempt_at, error, "
            "received_at, handled_at",
            "UPDATE status, attempts, next_attempt_at, error",
        ),
    ),
)
"""For the admin app: the staff's side of the inbox that ``billing.webhooks`` fills."""
