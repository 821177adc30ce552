from typing import Final

from billing.database import BILLING
from billing.entitlements import routes
from billing.entitlements.permissions import Action
from insula.apps import Resource, Tag
from insula.db.models import Entitlement
from insula.db.schema.rights import COMMANDS, may

RESOURCE: Final = Resource(
    tag=Tag(name="entitlements", description="What the tenant's plan grants."),
    routers=(routes.router,),
    tables=(may(BILLING, "tenant", Entitlement, *COMMANDS),),
    permissions=Action,
)
