from typing import Final

from billing.database import BILLING
from billing.webhooks import demo, jobs, routes
from billing.webhooks.models import BillingCustomer, WebhookEvent
from insula.apps import AttackHints, Resource, Tag
from insula.db.schema.rights import key_exception, may

RESOURCE: Final = Resource(
    tag=Tag(name="webhooks", description="The payment provider sends its events here."),
    routers=(routes.router,),
    public=frozenset({"POST /v1/webhooks/stripe"}),  # authenticated by its signature
    jobs=jobs.JOBS,
    schedules=jobs.SCHEDULES,
    seed=demo.seed,
    attack=AttackHints(
        rows={
            "webhook_event": (
                {
                    "provider": "stripe",
                    "status": "dead",
                    "attempts": 8,
                    "error": "{token} is no error",
                    "customer": "cus_{token}",
                    "payload": {"customer": "cus_{token}"},
                },
            )
        }
    ),
    tables=(
        # The customer is read before the tenant is known, so across tenants.
        may(BILLING, "all", BillingCustomer, "SELECT"),
        key_exception(BillingCustomer, "unique", "provider,provider_customer_id", reason="a customer is one tenant"),
        may(BILLING, "all", WebhookEvent, "SELECT", "INSERT", "UPDATE"),
        key_exception(WebhookEvent, "key", "id", reason="stored before its tenant is known"),
        key_exception(WebhookEvent, "unique", "provider,event_id", reason="stored once, before its tenant is known"),
    ),
)
