"""Sends a tenant's requests to the limits, as routes do."""

from insula.core.ids import TenantId
from insula.limits import KeyRate, LimitClass, Limits, Verdict, rate_policy


async def admit(  # the parameters of a request's limits
    limits: Limits,
    tenant_id: TenantId,
    per_minute: int,
    limit_class: LimitClass,
    ceiling: int | None = None,
    key: KeyRate | None = None,
) -> Verdict:
    """Spend a token of each limit that applies, or of none: the tenant's, its class's ceiling, its key's."""
    return await limits.admit(rate_policy(tenant_id, per_minute, limit_class, ceiling, key))
