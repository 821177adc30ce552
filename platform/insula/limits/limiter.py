"""The limits, as the rest of the kernel sees them."""

import hashlib
import math
from functools import lru_cache
from typing import NamedTuple, Self

from limits import RateLimitItemPerMinute
from redis.asyncio import Redis
from slowapi import Limiter

from insula import clock
from insula.ids import TenantId
from insula.limits.classes import LimitClass, budget
from insula.limits.failover import PATIENCE, FailoverLedger
from insula.limits.leases import Leases
from insula.limits.ledger import WINDOW, Loan
from insula.limits.local import LocalLedger
from insula.limits.remote import RemoteLedger
from insula.limits.storage import LeasedStorage
from insula.limits.verdict import Verdict

_DOORS = 20_000
_STRICT = 2
"""Doors counted exactly get this part of their limit from each process while Redis is away."""


class TenantItem(RateLimitItemPerMinute):
    """A rate whose key does not hold the amount: what was used under the old plan counts under the new."""

    def key_for(self, *identifiers: str) -> str:  # type: ignore[override]  # ours are always strings
        """Return the key of a tenant and a class."""
        return ":".join(identifiers)


class Door(NamedTuple):
    """Where one class of one tenant's requests is counted."""

    tenant: str
    item: TenantItem
    key: str


def _door(tenant_id: TenantId, per_minute: int, limit_class: LimitClass) -> Door:
    tenant = f"{{{tenant_id}}}"  # the braces keep one tenant's keys on one shard
    item = TenantItem(budget(per_minute, limit_class))
    return Door(tenant, item, item.key_for(tenant, limit_class))


def _limiter() -> tuple[Limiter, LeasedStorage]:
    limiter = Limiter(key_func=str, storage_uri="leased://", strategy="moving-window", storage_options={})
    storage = limiter.limiter.storage
    if not isinstance(storage, LeasedStorage):
        raise TypeError("the leased:// scheme belongs to another storage")
    return limiter, storage


class Limits:
    """Per-tenant limits on leased tokens, and exact ones for the doors that are tried by brute force."""

    def __init__(self, ledger: FailoverLedger) -> None:
        self._ledger = ledger
        self._limiter, self._storage = _limiter()
        self._leases = Leases(self._storage, ledger)
        self._door = lru_cache(_DOORS)(_door)

    @classmethod
    def build(cls, redis: Redis | None, patience: float = PATIENCE) -> Self:
        """Count in ``redis``, or in this process alone when there is none."""
        remote = RemoteLedger(redis) if redis else None
        return cls(FailoverLedger(remote, LocalLedger(), patience))

    @property
    def away(self) -> bool:
        """Whether each process counts by itself just now."""
        return self._ledger.away

    async def close(self) -> None:
        """Stop what runs in the background."""
        await self._leases.close()
        await self._ledger.close()

    async def admit(self, tenant_id: TenantId, per_minute: int, limit_class: LimitClass) -> Verdict:
        """Spend one of the tenant's tokens. Waits for Redis only when no lease is held, and then briefly."""
        tenant, item, key = self._door(tenant_id, per_minute, limit_class)
        now, lease = clock.timestamp(), self._storage.held(key)
        if lease is None or not lease.serves(item.amount, now):
            lease = await self._leases.ensure(key, item.amount)
            now = clock.timestamp()
        allowed = self._limiter.limiter.hit(item, tenant, limit_class)
        wait = max(1, math.ceil(lease.frees_at - now))
        left, reset = lease.left + lease.tokens, min(wait, WINDOW)
        return Verdict(allowed, item.amount, left, reset, 0 if allowed else wait, limit_class)

    async def admit_exactly(self, key: str, per_minute: int) -> Verdict:
        """Count one attempt in Redis itself; the key may be an account or an address, and is stored hashed.

        While Redis is away each process counts by itself, against a part of the limit.
        """
        entry = f"exact:{{{hashlib.sha256(key.encode()).hexdigest()[:40]}}}"
        strict = max(1, per_minute // _STRICT)
        loan = Loan(entry, per_minute, need=1, wish=1, seconds=0)
        grant = await self._ledger.lend(loan, local=loan._replace(limit=min(per_minute, strict)))
        wait = max(1, math.ceil(grant.wait))
        allowed = grant.tokens > 0
        return Verdict(allowed, per_minute, grant.left, min(wait, WINDOW), 0 if allowed else wait, LimitClass.AUTH)
