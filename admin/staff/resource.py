from typing import Final

from admin.database import ADMIN
from admin.staff import routes
from admin.staff.permissions import Action
from insula.apps import AttackHints, Resource, Tag
from insula.db.models import Staff
from insula.db.schema.rights import may

RESOURCE: Final = Resource(
    tag=Tag(name="staff", description="The platform's staff and their roles."),
    routers=(routes.router,),
    permissions=Action,
    attack=AttackHints(
        actions={"POST /v1/staff": "staff.staff:appoint", "DELETE /v1/staff/{staff_id}": "staff.staff:dismiss"}
    ),
    tables=(may(ADMIN, "all", Staff, "SELECT", "INSERT", "UPDATE role", "DELETE"),),
)
