from typing import Final

from insula.apps import Resource, Tag
from insula.db.engine.roles import WORKER
from insula.db.models import Membership
from insula.db.schema.rights import may
from support.database import SUPPORT
from support.tickets import demo, jobs, routes
from support.tickets.emails import TICKET_ANSWERED
from support.tickets.models import Ticket
from support.tickets.permissions import Action

RESOURCE: Final = Resource(
    tag=Tag(name="tickets", description="Questions of tenants' members, and the answers."),
    routers=(routes.router,),
    permissions=Action,
    jobs=jobs.JOBS,
    emails=(TICKET_ANSWERED,),
    seed=demo.seed,
    tables=(
        may(SUPPORT, "all", Ticket, "SELECT"),  # agents see the tickets of every tenant
        may(SUPPORT, "tenant", Ticket, "INSERT", "UPDATE status, answer, answered_by, updated_at, version"),
        # The worker emails the answer to the member who asked.
        may(WORKER, "tenant", Ticket, "SELECT tenant_id, id, member_id, subject, answer"),
        may(WORKER, "tenant", Membership, "SELECT tenant_id, id, email"),
    ),
)
