from typing import Final

from insula.apps import AttackHints, Resource, Tag
from tenants.domains import jobs, routes

RESOURCE: Final = Resource(
    tag=Tag(name="domains", description="Host names of the tenant's own."),
    routers=(routes.router,),
    jobs=jobs.JOBS,
    schedules=jobs.SCHEDULES,
    attack=AttackHints(ids={"domain_id": "tenant_domain"}),
)
