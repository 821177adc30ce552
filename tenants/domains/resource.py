from typing import Final

from insula.apps import AttackHints, Resource, Tag
from insula.db.engine.roles import WORKER
from insula.db.models import TenantDomain
from insula.db.schema.rights import COMMANDS, may
from tenants.database import TENANTS
from tenants.domains import jobs, queries, routes
from tenants.domains.permissions import Action

RESOURCE: Final = Resource(
    tag=Tag(name="domains", description="The tenant's own host names."),
    routers=(routes.router,),
    permissions=Action,
    entitlements=(queries.DOMAINS,),
    jobs=jobs.JOBS,
    schedules=jobs.SCHEDULES,
    attack=AttackHints(ids={"domain_id": "tenant_domain"}),
    tables=(
        may(TENANTS, "tenant", TenantDomain, *COMMANDS),
        # The worker checks verified domains again.
        may(WORKER, "all", TenantDomain, "SELECT", "UPDATE verified_at, checked_at, failing_since"),
    ),
)
