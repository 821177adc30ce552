from typing import Final

from billing.webhooks import jobs, routes
from insula.apps import Resource, Tag

RESOURCE: Final = Resource(
    tag=Tag(name="webhooks", description="What the payment provider calls."),
    routers=(routes.router,),
    public=frozenset({"POST /v1/webhooks/stripe"}),  # authenticated by its signature
    jobs=jobs.JOBS,
    schedules=jobs.SCHEDULES,
)
