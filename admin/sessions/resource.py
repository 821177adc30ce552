from typing import Final

from admin.database import ADMIN
from admin.sessions import routes
from admin.sessions.permissions import Action
from insula.apps import AttackHints, Resource
from insula.db.models import AuthSession
from insula.db.schema.rights import may

RESOURCE: Final = Resource(
    routers=(routes.router,),
    permissions=Action,
    attack=AttackHints(actions={"DELETE /v1/users/{user_id}/sessions/{login_id}": "staff.session:revoke"}),
    tables=(may(ADMIN, "all", AuthSession, "SELECT", "UPDATE revoked_at"),),
)
