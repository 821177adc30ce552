from typing import Final

from insula.apps import Resource, Tag
from tenants.invitations import jobs, routes

RESOURCE: Final = Resource(
    tag=Tag(name="invitations", description="Who is asked to join the tenant."),
    routers=(routes.router,),
    jobs=jobs.JOBS,
    schedules=jobs.SCHEDULES,
)
