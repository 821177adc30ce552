"""The interface of this package to the rest of the kernel."""

import hashlib
from typing import Final, Self

from redis.asyncio import Redis
from slowapi import Limiter

from insula.core import clock
from insula.core.ids import TenantId, new_id
from insula.limits.circuit import PATIENCE, Health
from insula.limits.concurrency.permits import Permit, Permits
from insula.limits.concurrency.store import RemotePermits
from insula.limits.rates.classes import CEILINGS, LimitClass
from insula.limits.rates.failover import FailoverLedger
from insula.limits.rates.leases import Leases
from insula.limits.rates.ledger import WINDOW, Loan
from insula.limits.rates.local import LocalLedger
from insula.limits.rates.policies import RatePolicy, class_key, connections_key, permits_key, policy_item
from insula.limits.rates.remote import RemoteLedger
from insula.limits.rates.storage import LeasedStorage
from insula.limits.rates.verdict import Verdict

_STRICT: Final = 2
"""While Redis is away, each process admits an exact limit divided by this number."""


def _limiter() -> tuple[Limiter, LeasedStorage]:
    limiter = Limiter(key_func=str, storage_uri="leased://", strategy="moving-window", storage_options={})
    storage = limiter.limiter.storage
    if not isinstance(storage, LeasedStorage):
        raise TypeError("the leased:// scheme belongs to another storage")
    return limiter, storage


class Limits:
    """Per-tenant limits counted by leased tokens, and exact limits against brute force."""

    def __init__(self, ledger: FailoverLedger, store: RemotePermits | None = None) -> None:
        self._ledger = ledger
        self._permits = Permits(store, ledger.circuit)
        self._limiter, self._storage = _limiter()
        self._leases = Leases(self._storage, ledger)
        self._hit = self._limiter.limiter.hit

    @classmethod
    def build(cls, redis: Redis | None, patience: float = PATIENCE) -> Self:
        """Return limits counted in ``redis``, or in this process alone without one."""
        if redis is None:
            return cls(FailoverLedger(None, LocalLedger(), patience))
        return cls(FailoverLedger(RemoteLedger(redis), LocalLedger(), patience), RemotePermits(redis))

    @property
    def away(self) -> bool:
        """Whether this process counts by itself, because Redis is away."""
        return self._ledger.away

    async def check_redis(self) -> Health:
        """Return the state of Redis now."""
        return await self._ledger.circuit.check()

    async def close(self) -> None:
        """Stop the background tasks."""
        await self._permits.close()
        await self._leases.close()
        await self._ledger.close()

    async def admit(self, policy: RatePolicy) -> Verdict:
        """Spend a token of each of the policy's counters, or of none.

        Waits for Redis only when a lease is missing: briefly, and once for all counters.
        """
        now, held, standings = clock.timestamp(), self._storage.held, []
        for counter in policy.counters:
            name, label, limit = counter
            lease = held(name)
            if lease is None or not lease.serves(limit, now):
                return await self._admit_with_new_leases(policy)
            if now >= lease.renew_at or lease.tokens <= lease.low:
                self._leases.renew(counter)
            standings.append((label, lease.left + lease.tokens - 1, lease.frees_at - now))
        if self._hit(policy.item, policy.key):
            return Verdict(True, policy.header, standings)  # noqa: FBT003 - a tuple's first field
        return self._refusal(policy)

    async def _admit_with_new_leases(self, policy: RatePolicy) -> Verdict:
        await self._leases.ensure(policy.counters)
        if not self._hit(policy.item, policy.key):
            return self._refusal(policy)
        now = clock.timestamp()
        held = [(label, self._storage.held(name)) for name, label, _ in policy.counters]
        standings = [(label, lease.left + lease.tokens, lease.frees_at - now) for label, lease in held if lease]
        return Verdict(True, policy.header, standings)  # noqa: FBT003 - a tuple's first field

    def _refusal(self, policy: RatePolicy) -> Verdict:
        now = clock.timestamp()
        held = [(label, self._storage.held(name)) for name, label, _ in policy.counters]
        standings = [(label, 0, lease.frees_at - now) for label, lease in held if lease and lease.refuses]
        return Verdict(False, policy.header, standings)  # noqa: FBT003 - a tuple's first field

    async def acquire_permit(self, tenant_id: TenantId, at_once: int) -> Permit | None:
        """Return one of the tenant's permits for expensive requests, or None while all are held. Release it."""
        return await self._permits.acquire(permits_key(tenant_id), at_once)

    async def acquire_connection(self, tenant_id: TenantId, at_once: int) -> Permit | None:
        """Return a permit for one more lasting connection, or None while all are held. Release it."""
        return await self._permits.acquire(connections_key(tenant_id), at_once)

    def give_back(self, tenant_id: TenantId, limit_class: LimitClass) -> None:
        """Uncount an admitted request in its class; it still counts as a request of the tenant."""
        if limit_class in CEILINGS:
            self._storage.give_back(class_key(tenant_id, limit_class))

    async def admit_exactly(self, key: str, limit: int, window: int = WINDOW) -> Verdict:
        """Count one attempt in Redis, without a lease. The key may be an account or an address; it is stored hashed.

        ``window`` is a multiple of 60 seconds. While Redis is away, each process counts by itself against a part of
        the limit.
        """
        entry = f"exact:{{{hashlib.sha256(key.encode()).hexdigest()[:40]}}}"
        strict = max(1, limit // _STRICT)
        loan = Loan(new_id().hex, entry, limit, need=1, wish=1, seconds=0, unit=window // WINDOW)
        reply = await self._ledger.lend(loan, local=loan._replace(limit=min(limit, strict)))
        standing = (LimitClass.AUTH, reply.left, reply.wait)
        return Verdict(reply.tokens > 0, policy_item(LimitClass.AUTH, limit, window), (standing,))
