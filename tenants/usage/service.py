"""How much of its plan the tenant uses."""

from collections.abc import Mapping
from typing import Final

from insula.scope import Scope
from tenants.api_keys import service as api_keys
from tenants.domains import service as domains
from tenants.usage import queries
from tenants.usage.models import Quota
from tenants.usage.schemas import QuotaRead, UsageRead

_UNNAMED: Final[Mapping[Quota, int]] = {"api_keys": api_keys.UNNAMED_QUOTA, "domains": domains.UNNAMED_QUOTA}


async def read(scope: Scope) -> UsageRead:
    """Return each quota of the plan, how much of it is used, and what it grants."""
    used = await queries.used(scope.unit.session)
    return UsageRead(
        quotas=[
            QuotaRead(quota=quota, used=count, limit=scope.tenant.entitlements.get(quota, _UNNAMED.get(quota, 0)))
            for quota, count in used.items()
        ]
    )
