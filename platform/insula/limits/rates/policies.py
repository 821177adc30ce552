"""Which counters a request has to pass, as one item of the ``limits`` library."""

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
_DOORS: Final = 20_000


class KeyRate(NamedTuple):
    """What one API key may ask for a minute, besides what its tenant may."""

    key_id: UUID
    per_minute: int


class Counter(NamedTuple):
    """One limit: its key in the ledger, what clients know it by, and its amount."""

    key: str
    name: str
    limit: int


class DoorItem(RateLimitItemPerMinute):
    """A rate whose key does not hold the amount: what was used under the old plan counts under the new."""

    def key_for(self, *identifiers: str) -> str:  # type: ignore[override]  # ours are always strings
        """Return the key of the counters that are spent from together."""
        return TOGETHER.join(identifiers)


class Door(NamedTuple):
    """What one class of one tenant's requests passes, perhaps with one API key: all of its counters, or none."""

    item: DoorItem
    key: str
    counters: Sequence[Counter]
    policies: str


def class_key(tenant_id: TenantId, limit_class: LimitClass) -> str:
    """Return the ledger's key of the class's ceiling."""
    return f"{_tenant(tenant_id)}:{CEILINGS[limit_class].name}"


def policy(name: str, limit: int, window: int = WINDOW) -> str:
    """Return the item of ``RateLimit-Policy``."""
    return f'"{name}";q={limit};w={window}'


def slots_key(tenant_id: TenantId) -> str:
    """Return the key of the slots of the tenant's expensive requests."""
    return f"{_tenant(tenant_id)}:{CEILINGS[LimitClass.EXPORT].name}"


@lru_cache(_DOORS)
def door_to(
    tenant_id: TenantId,
    per_minute: int,
    limit_class: LimitClass,
    ceiling: int | None = None,
    key: KeyRate | None = None,
) -> Door:
    """Return the door, the same one for the same limits; ``ceiling`` is the class's own where it was granted one."""
    tenant = _tenant(tenant_id)
    counters = [Counter(f"{tenant}:{ALL}", ALL, max(0, per_minute))]
    within = ceiling_of(per_minute, limit_class, ceiling)
    if within is not None:
        counters.append(Counter(class_key(tenant_id, limit_class), CEILINGS[limit_class].name, within))
    if key is not None:
        counters.append(Counter(f"{tenant}:{ONE_KEY}:{key.key_id}", ONE_KEY, key.per_minute))
    item = DoorItem(min(counter.limit for counter in counters))
    policies = ", ".join(policy(counter.name, counter.limit) for counter in counters)
    return Door(item, item.key_for(*(counter.key for counter in counters)), tuple(counters), policies)


def _tenant(tenant_id: TenantId) -> str:
    return f"{{{tenant_id}}}"  # the braces keep one tenant's keys on one shard
