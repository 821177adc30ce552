from typing import Final

from billing.plans import routes
from insula.apps import Resource, Tag

RESOURCE: Final = Resource(
    tag=Tag(name="plans", description="What can be bought."),
    routers=(routes.router,),
)
