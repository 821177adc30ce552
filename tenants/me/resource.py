from typing import Final

from insula.apps import Resource, Tag
from tenants.me import routes
from tenants.me.permissions import Action

RESOURCE: Final = Resource(
    tag=Tag(name="me", description="The caller's own account."),
    routers=(routes.router,),
    permissions=Action,
)
