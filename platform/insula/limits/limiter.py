"""The limits, as the rest of the kernel sees them."""

import hashlib
from typing import Final, Self

from redis.asyncio import Redis
from slowapi import Limiter

from insula.core import clock
from insula.core.ids import TenantId, new_id
from insula.limits.circuit import PATIENCE, Health
from insula.limits.concurrency.permits import Slot, Slots
from insula.limits.concurrency.store import RemotePlaces
from insula.limits.rates.classes import CEILINGS, LimitClass
from insula.limits.rates.failover import FailoverLedger
from insula.limits.rates.leases import Leases
from insula.limits.rates.ledger import WINDOW, Loan
from insula.limits.rates.local import LocalLedger
from insula.limits.rates.policies import Door, class_key, policy, slots_key
from insula.limits.rates.remote import RemoteLedger
from insula.limits.rates.storage import LeasedStorage
from insula.limits.rates.verdict import Verdict

_STRICT: Final = 2
"""Doors counted exactly get this part of their limit from each process while Redis is away."""


def _limiter() -> tuple[Limiter, LeasedStorage]:
    limiter = Limiter(key_func=str, storage_uri="leased://", strategy="moving-window", storage_options={})
    storage = limiter.limiter.storage
    if not isinstance(storage, LeasedStorage):
        raise TypeError("the leased:// scheme belongs to another storage")
    return limiter, storage


class Limits:
    """Per-tenant limits on leased tokens, and exact ones for the doors that are tried by brute force."""

    def __init__(self, ledger: FailoverLedger, places: RemotePlaces | None = None) -> None:
        self._ledger = ledger
        self._slots = Slots(places, ledger.circuit)
        self._limiter, self._storage = _limiter()
        self._leases = Leases(self._storage, ledger)
        self._hit = self._limiter.limiter.hit

    @classmethod
    def build(cls, redis: Redis | None, patience: float = PATIENCE) -> Self:
        """Count in ``redis``, or in this process alone when there is none."""
        if redis is None:
            return cls(FailoverLedger(None, LocalLedger(), patience))
        return cls(FailoverLedger(RemoteLedger(redis), LocalLedger(), patience), RemotePlaces(redis))

    @property
    def away(self) -> bool:
        """Whether each process counts by itself just now."""
        return self._ledger.away

    async def look(self) -> Health:
        """Return how Redis answers."""
        return await self._ledger.circuit.look()

    async def close(self) -> None:
        """Stop what runs in the background."""
        await self._slots.close()
        await self._leases.close()
        await self._ledger.close()

    async def pass_through(self, door: Door) -> Verdict:
        """Spend a token of each of the door's counters, or of none.

        Waits for Redis only when a lease is not held, once for all of them, and then briefly.
        """
        now, held, standings = clock.timestamp(), self._storage.held, []
        for counter in door.counters:
            name, told, limit = counter
            lease = held(name)
            if lease is None or not lease.serves(limit, now):
                return await self._pass_in_time(door)
            if now >= lease.wanes_at or lease.tokens <= lease.low:
                self._leases.renew(counter)
            standings.append((told, lease.left + lease.tokens - 1, lease.frees_at - now))
        if self._hit(door.item, door.key):
            return Verdict(True, door.policies, standings)  # noqa: FBT003 - a tuple's first field
        return self._refusal(door)

    async def _pass_in_time(self, door: Door) -> Verdict:
        await self._leases.ensure(door.counters)
        if not self._hit(door.item, door.key):
            return self._refusal(door)
        now = clock.timestamp()
        held = [(told, self._storage.held(name)) for name, told, _ in door.counters]
        standings = [(told, lease.left + lease.tokens, lease.frees_at - now) for told, lease in held if lease]
        return Verdict(True, door.policies, standings)  # noqa: FBT003 - a tuple's first field

    def _refusal(self, door: Door) -> Verdict:
        now = clock.timestamp()
        held = [(told, self._storage.held(name)) for name, told, _ in door.counters]
        standings = [(told, 0, lease.frees_at - now) for told, lease in held if lease and lease.refuses]
        return Verdict(False, door.policies, standings)  # noqa: FBT003 - a tuple's first field

    async def enter(self, tenant_id: TenantId, at_once: int) -> Slot | None:
        """Return one of the tenant's slots for expensive requests, to be released; None while all are held."""
        return await self._slots.take(slots_key(tenant_id), at_once)

    def give_back(self, tenant_id: TenantId, limit_class: LimitClass) -> None:
        """Take an admitted request out of its class's count again; it stays one of the tenant's requests."""
        if limit_class in CEILINGS:
            self._storage.give_back(class_key(tenant_id, limit_class))

    async def admit_exactly(self, key: str, limit: int, window: int = WINDOW) -> Verdict:
        """Count one attempt in Redis itself; the key may be an account or an address, and is stored hashed.

        ``window`` is in seconds, in whole minutes. While Redis is away each process counts by itself,
        against a part of the limit.
        """
        entry = f"exact:{{{hashlib.sha256(key.encode()).hexdigest()[:40]}}}"
        strict = max(1, limit // _STRICT)
        loan = Loan(new_id().hex, entry, limit, need=1, wish=1, seconds=0, unit=window // WINDOW)
        grant = await self._ledger.lend(loan, local=loan._replace(limit=min(limit, strict)))
        standing = (LimitClass.AUTH, grant.left, grant.wait)
        return Verdict(grant.tokens > 0, policy(LimitClass.AUTH, limit, window), (standing,))
