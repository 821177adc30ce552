from typing import Final

from billing.database import BILLING, STAFF
from billing.overrides import jobs
from billing.overrides.models import EntitlementOverride
from insula.apps import Resource
from insula.db.rights import COMMANDS, may
from insula.db.roles import WORKER

RESOURCE: Final = Resource(
    jobs=jobs.JOBS,
    schedules=jobs.SCHEDULES,
    tables=(
        may(BILLING, "tenant", EntitlementOverride, "SELECT", "DELETE"),
        may(STAFF, "tenant", EntitlementOverride, *COMMANDS),
        may(WORKER, "all", EntitlementOverride, "SELECT tenant_id, expires_at"),  # expired ones are lifted
    ),
)
