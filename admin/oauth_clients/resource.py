from typing import Final

from admin.database import ADMIN
from admin.oauth_clients import routes
from admin.oauth_clients.permissions import Action
from insula.apps import AttackHints, Resource, Tag
from insula.db.models import FirstPartyClient
from insula.db.schema.rights import may

RESOURCE: Final = Resource(
    tag=Tag(name="oauth-clients", description="The platform's own programs that get tokens by OAuth."),
    routers=(routes.router,),
    permissions=Action,
    attack=AttackHints(actions={"DELETE /v1/oauth-clients/{first_party_client_id}": "staff.oauth_client:revoke"}),
    tables=(may(ADMIN, "all", FirstPartyClient, "SELECT", "INSERT", "UPDATE"),),
)
