from typing import Final

from admin.webhooks import routes
from insula.apps import Resource, Tag

RESOURCE: Final = Resource(
    tag=Tag(name="webhooks", description="What the payment provider sent, and what became of it."),
    routers=(routes.router,),
)
