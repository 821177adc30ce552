from typing import Final

from admin.overrides import routes
from insula.apps import Resource, Tag

RESOURCE: Final = Resource(
    tag=Tag(
        name="overrides", description="What staff grant a tenant in place of its plan, for a reason and for a time."
    ),
    routers=(routes.router,),
)
