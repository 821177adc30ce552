from typing import Final

from billing.webhooks import demo, jobs, routes
from insula.apps import AttackHints, Resource, Tag

RESOURCE: Final = Resource(
    tag=Tag(name="webhooks", description="What the payment provider calls."),
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
)
