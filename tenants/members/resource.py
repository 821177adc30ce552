from typing import Final

from insula.apps import AttackHints, Resource, Tag
from insula.db.models import Membership
from insula.db.schema.rights import COMMANDS, may
from tenants.database import TENANTS
from tenants.members import routes
from tenants.members.emails import OWNERSHIP_TRANSFERRED
from tenants.members.permissions import Action

RESOURCE: Final = Resource(
    tag=Tag(name="members", description="The tenant's members, their roles, and its ownership."),
    routers=(routes.router,),
    emails=(OWNERSHIP_TRANSFERRED,),
    permissions=Action,
    attack=AttackHints(actions={"DELETE /v1/members/me": "member:leave"}),
    tables=(may(TENANTS, "tenant", Membership, *COMMANDS),),
)
