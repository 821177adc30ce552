from typing import Final

from admin.database import ADMIN
from admin.tenants import routes
from admin.tenants.permissions import Action
from insula.apps import Resource, Tag
from insula.db.models import Membership, Tenant, TenantDomain, TenantSlug, TenantUsage
from insula.db.schema.rights import may

RESOURCE: Final = Resource(
    tag=Tag(name="tenants", description="Every tenant of the installation."),
    routers=(routes.router,),
    tables=(
        may(ADMIN, "all", Tenant, "SELECT", "UPDATE status, updated_at, version"),
        may(ADMIN, "all", Membership, "SELECT"),
        may(ADMIN, "all", TenantDomain, "SELECT"),
        may(ADMIN, "all", TenantUsage, "SELECT"),  # a tenant's usage
        # Staff make tenants, with an owner and a slug.
        may(ADMIN, "tenant", Tenant, "INSERT"),
        may(ADMIN, "tenant", TenantSlug, "SELECT", "INSERT tenant_id, slug", "UPDATE retired_at"),
        may(ADMIN, "tenant", Membership, "INSERT"),
    ),
    permissions=Action,
)
