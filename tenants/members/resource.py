from typing import Final

from insula.apps import AttackHints, Resource, Tag
from tenants.members import routes

RESOURCE: Final = Resource(
    tag=Tag(name="members", description="Who belongs to the tenant, as what, and who owns it."),
    routers=(routes.router,),
    attack=AttackHints(actions={"DELETE /v1/members/me": "member:leave"}),
)
