from typing import Final

from admin.database import ADMIN
from admin.users import routes
from admin.users.permissions import Action
from insula.apps import Resource, Tag
from insula.db.models import User
from insula.db.schema.rights import may

RESOURCE: Final = Resource(
    tag=Tag(name="users", description="All users of the installation."),
    routers=(routes.router,),
    tables=(may(ADMIN, "all", User, "SELECT", "UPDATE status, updated_at, version"),),
    permissions=Action,
)
