from typing import Final

from admin.background_jobs import routes
from insula.apps import Resource, Tag

RESOURCE: Final = Resource(
    tag=Tag(name="jobs", description="The work after the response."),
    routers=(routes.router,),
)
