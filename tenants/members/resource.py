from typing import Final

from insula.apps import AttackHints, Resource, Tag
from tenants.members import routes
from tenants.members.emails import OWNERSHIP_TRANSFERRED

RESOURCE: Final = Resource(
    tag=Tag(name="members", description="Who belongs to the tenant, as what, and who owns it."),
    routers=(routes.router,),
    emails=(OWNERSHIP_TRANSFERRED,),
    attack=AttackHints(actions={"DELETE /v1/members/me": "member:leave"}),
)
