from typing import Final

from billing.entitlements import routes
from insula.apps import Resource, Tag

RESOURCE: Final = Resource(
    tag=Tag(name="entitlements", description="What that grants it."),
    routers=(routes.router,),
)
