from typing import Final

from insula.apps import AttackHints, Resource, Tag
from insula.db.engine.roles import WORKER
from insula.db.schema.rights import may
from tenants.database import TENANTS
from tenants.invitations import jobs, pages, queries, routes
from tenants.invitations.emails import INVITATION
from tenants.invitations.models import Invitation
from tenants.invitations.permissions import Action
from tenants.mail_limits import INVITATIONS_PER_DAY

RESOURCE: Final = Resource(
    tag=Tag(name="invitations", description="Invitations to join the tenant."),
    routers=(routes.router,),
    pages=(pages.router,),
    public_pages=frozenset({"GET /invitations/accept"}),  # the link in the email leads here
    static={"invitations": pages.STATIC},
    permissions=Action,
    entitlements=(queries.SEATS, INVITATIONS_PER_DAY),
    jobs=jobs.JOBS,
    schedules=jobs.SCHEDULES,
    emails=(INVITATION,),
    attack=AttackHints(
        actions={
            "POST /v1/invitations/{invitation_id}/resend": "invitation:update",
            "POST /v1/invitations/accept": "invitation:accept",
        }
    ),
    tables=(
        may(TENANTS, "tenant", Invitation, "SELECT", "INSERT", "UPDATE"),
        may(WORKER, "all", Invitation, "SELECT tenant_id, id, expires_at", "DELETE"),  # deletes expired ones
    ),
)
