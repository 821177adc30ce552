"""The tenant's usage of its plan."""

from collections.abc import Sequence

from insula.access.entitlements import Quota
from insula.scope import Scope
from tenants.usage import queries
from tenants.usage.schemas import QuotaRead, UsageRead


async def read(scope: Scope, quotas: Sequence[Quota]) -> UsageRead:
    """Return how much of each quota is used and granted."""
    used = await queries.used(scope.unit.session, quotas)
    return UsageRead(
        quotas=[
            QuotaRead(quota=quota.key, used=count, limit=scope.granted(quota))
            for quota, count in zip(quotas, used, strict=True)
        ]
    )
