from typing import Final

from insula.apps import AttackHints, Resource, Tag
from tenants.me import routes
from tenants.me.permissions import Action

RESOURCE: Final = Resource(
    tag=Tag(name="me", description="The caller's own account."),
    routers=(routes.router,),
    permissions=Action,
    attack=AttackHints(
        actions={
            "PUT /v1/me/password": "me:update",
            "GET /v1/me/sessions": "me:read",
            "DELETE /v1/me/sessions/{session_id}": "me:update",
            "GET /v1/me/consents": "me:read",
            "DELETE /v1/me/consents/{consent_id}": "me:update",
        }
    ),
)
