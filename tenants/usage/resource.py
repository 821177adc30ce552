from typing import Final

from insula.apps import Resource, Tag
from insula.db.models import TenantUsage
from insula.db.schema.rights import may
from tenants.database import TENANTS
from tenants.usage import routes
from tenants.usage.permissions import Action

RESOURCE: Final = Resource(
    tag=Tag(name="usage", description="How much of its plan the tenant uses."),
    routers=(routes.router,),
    tables=(may(TENANTS, "tenant", TenantUsage, "SELECT"),),
    permissions=Action,
)
