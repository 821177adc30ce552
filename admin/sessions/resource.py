from typing import Final

from admin.sessions import routes
from insula.apps import AttackHints, Resource

RESOURCE: Final = Resource(
    routers=(routes.router,),
    attack=AttackHints(actions={"DELETE /v1/users/{user_id}/sessions/{login_id}": "staff.session:revoke"}),
)
