from typing import Final

from insula.apps import AttackHints, Resource, Tag
from insula.db.models import Entitlement, Tenant, TenantSlug
from insula.db.schema.rights import may
from tenants.database import TENANTS
from tenants.tenants import routes
from tenants.tenants.permissions import Action

RESOURCE: Final = Resource(
    tag=Tag(name="tenants", description="The caller's tenant, and creating another one."),
    routers=(routes.router,),
    permissions=Action,
    newer={"v2": (routes.router_v2,)},
    attack=AttackHints(actions={"POST /v1/tenant/ownership": "ownership:transfer"}),
    tables=(
        may(TENANTS, "tenant", Tenant, "SELECT", "INSERT"),
        may(TENANTS, "tenant", Tenant, "UPDATE name, name_key, slug, time_zone, locale, updated_at, version"),
        # A trigger writes it, with the rights of the role that makes or renames a tenant.
        may(TENANTS, "tenant", TenantSlug, "SELECT", "INSERT tenant_id, slug", "UPDATE retired_at"),
        may(TENANTS, "tenant", Entitlement, "SELECT"),
    ),
)
