from typing import Final

from insula.apps import AttackHints, Resource, Tag
from insula.db.models import OAuthClient, OAuthConsent
from insula.db.schema.rights import may
from tenants.database import TENANTS
from tenants.oauth_clients import queries, routes
from tenants.oauth_clients.permissions import Action

RESOURCE: Final = Resource(
    tag=Tag(name="oauth-clients", description="Programs that get tokens by OAuth."),
    routers=(routes.router,),
    permissions=Action,
    entitlements=(queries.OAUTH_CLIENTS,),
    attack=AttackHints(
        ids={"client_id": "oauth_client", "consent_id": "oauth_consent"},
        actions={
            "DELETE /v1/oauth-clients/{client_id}": "oauth_client:revoke",
            "GET /v1/oauth-clients/{client_id}/consents": "oauth_client:read",
            "DELETE /v1/oauth-clients/{client_id}/consents/{consent_id}": "oauth_client:revoke",
        },
    ),
    tables=(
        may(TENANTS, "tenant", OAuthClient, "SELECT", "INSERT", "UPDATE"),
        may(TENANTS, "tenant", OAuthConsent, "SELECT", "DELETE"),
    ),
)
