"""Rate policies: the counters that a request must pass, as one item of the ``limits`` library."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple
from uuid import UUID

from limits import RateLimitItemPerMinute

from insula.core.ids import TenantId
from insula.limits.rates.classes import CEILINGS, LimitClass, ceiling_of
from insula.limits.rates.ledger import WINDOW
from insula.limits.rates.storage import TOGETHER

ALL: Final = "requests"
ONE_KEY: Final = "key"
_POLICIES: Final = 20_000


class KeyRate(NamedTuple):
    """The rate of one API key, within the rate of its tenant."""

    key_id: UUID
    per_minute: int


class Counter(NamedTuple):
    """One limit: its key in the ledger, its name for clients, and its amount."""

    key: str
    name: str
    limit: int


class RateItem(RateLimitItemPerMinute):
    """A rate whose key does not hold the amount, so that requests under the old plan count under the new one."""

    def key_for(self, *identifiers: str) -> str:  # type: ignore[override]  # ours are always strings
        """Return the joint key of counters that are spent together."""
        return TOGETHER.join(identifiers)


class RatePolicy(NamedTuple):
    """The counters of one class of a tenant's requests, or of one API key. A request spends from all, or from none.

    ``header`` is the value of ``RateLimit-Policy``.
    """

    item: RateItem
    key: str
    counters: Sequence[Counter]
    header: str


def class_key(tenant_id: TenantId, limit_class: LimitClass) -> str:
    """Return the key of the class's ceiling in the ledger."""
    return f"{_tenant(tenant_id)}:{CEILINGS[limit_class].name}"


def policy_item(name: str, limit: int, window: int = WINDOW) -> str:
    """Return one item of ``RateLimit-Policy``."""
    return f'"{name}";q={limit};w={window}'


def permits_key(tenant_id: TenantId) -> str:
    """Return the key of the permits for the tenant's expensive requests."""
    return f"{_tenant(tenant_id)}:{CEILINGS[LimitClass.EXPORT].name}"


def connections_key(tenant_id: TenantId) -> str:
    """Return the key of the permits for the tenant's lasting connections."""
    return f"{_tenant(tenant_id)}:connections"


@lru_cache(_POLICIES)
def rate_policy(
    tenant_id: TenantId,
    per_minute: int,
    limit_class: LimitClass,
    ceiling: int | None = None,
    key: KeyRate | None = None,
) -> RatePolicy:
    """Return the policy, cached by its arguments; ``ceiling`` is the class's own if the tenant was granted one."""
    tenant = _tenant(tenant_id)
    counters = [Counter(f"{tenant}:{ALL}", ALL, max(0, per_minute))]
    within = ceiling_of(per_minute, limit_class, ceiling)
    if within is not None:
        counters.append(Counter(class_key(tenant_id, limit_class), CEILINGS[limit_class].name, within))
    if key is not None:
        counters.append(Counter(f"{tenant}:{ONE_KEY}:{key.key_id}", ONE_KEY, key.per_minute))
    item = RateItem(min(counter.limit for counter in counters))
    header = ", ".join(policy_item(counter.name, counter.limit) for counter in counters)
    return RatePolicy(item, item.key_for(*(counter.key for counter in counters)), tuple(counters), header)


def _tenant(tenant_id: TenantId) -> str:
    return f"{{{tenant_id}}}"  # the braces keep one tenant's keys on one shard
