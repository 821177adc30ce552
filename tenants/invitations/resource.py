from typing import Final

from insula.apps import AttackHints, Resource, Tag
from tenants.invitations import jobs, routes
from tenants.invitations.emails import INVITATION

RESOURCE: Final = Resource(
    tag=Tag(name="invitations", description="Who is asked to join the tenant."),
    routers=(routes.router,),
    jobs=jobs.JOBS,
    schedules=jobs.SCHEDULES,
    emails=(INVITATION,),
    attack=AttackHints(actions={"POST /v1/invitations/{invitation_id}/resend": "invitation:update"}),
)
