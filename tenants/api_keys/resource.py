from typing import Final

from insula.apps import AttackHints, Resource, Tag
from insula.db.models import ApiKey
from insula.db.schema.rights import may
from tenants.api_keys import queries, routes
from tenants.api_keys.permissions import Action
from tenants.database import TENANTS

RESOURCE: Final = Resource(
    tag=Tag(name="api-keys", description="Keys for programs that act in the tenant."),
    routers=(routes.router,),
    permissions=Action,
    entitlements=(queries.API_KEYS,),
    attack=AttackHints(
        ids={"key_id": "api_key"},
        actions={"DELETE /v1/api-keys/{key_id}": "api_key:revoke", "POST /v1/api-keys/revoke": "api_key:revoke"},
    ),
    tables=(may(TENANTS, "tenant", ApiKey, "SELECT", "INSERT", "UPDATE"),),
)
