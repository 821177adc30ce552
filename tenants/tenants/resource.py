from typing import Final

from insula.apps import AttackHints, Resource, Tag
from tenants.tenants import routes

RESOURCE: Final = Resource(
    tag=Tag(name="tenants", description="The tenant that the caller acts in, and how to begin another."),
    routers=(routes.router,),
    newer={"v2": (routes.router_v2,)},
    attack=AttackHints(actions={"POST /v1/tenant/ownership": "ownership:transfer"}),
)
