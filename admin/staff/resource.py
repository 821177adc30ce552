from typing import Final

from admin.staff import routes
from insula.apps import Resource, Tag

RESOURCE: Final = Resource(
    tag=Tag(name="staff", description="Who works for the platform, and as what."),
    routers=(routes.router,),
)
