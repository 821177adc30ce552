from typing import Final

from admin.users import routes
from insula.apps import Resource, Tag

RESOURCE: Final = Resource(
    tag=Tag(name="users", description="Everybody who can log in."),
    routers=(routes.router,),
)
