"""How much of its plan the tenant uses."""

from collections.abc import Mapping
from typing import Final

from insula.scope import Scope
from tenants.queries import usage as queries
from tenants.schemas.usage import QuotaRead, UsageRead
from tenants.service import api_keys, domains

_UNNAMED: Final[Mapping[queries.Quota, int]] = {"api_keys": api_keys.UNNAMED_QUOTA, "domains": domains.UNNAMED_QUOTA}


async def read(scope: Scope) -> UsageRead:
    """Return each quota of the plan, how much of it is used, and what it grants."""
    used = await queries.used(scope.unit.session)
    return UsageRead(
        quotas=[
            QuotaRead(quota=quota, used=count, limit=scope.tenant.entitlements.get(quota, _UNNAMED.get(quota, 0)))
            for quota, count in used.items()
        ]
    )
