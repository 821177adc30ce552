"""Fetching leases: in time, in a fitting size, and once for all who wait."""

import asyncio
import collections
from collections.abc import Sequence

from insula import clock
from insula.limits.doors import Counter
from insula.limits.ledger import NOTHING_LENT, Grant, Ledger, Loan
from insula.limits.storage import Lease, LeasedStorage

LEASE_SECONDS = 10
"""How long a lease may be spent. Past it, its tokens count as spent and are settled on return."""
_REFUSAL_SECONDS = 1.0
"""How long a refusal is repeated without asking again: other processes may give tokens back."""


def largest_lease(limit: int) -> int:
    """Return the tokens that one process may at most hold unspent of this limit."""
    return max(1, limit // 20)


def _wish(limit: int, previous: Lease | None) -> int:
    spent = previous.debit.spent if previous else 0
    return min(largest_lease(limit), max(1, limit // 100, 2 * spent))


class Leases:
    """Keeps the storage supplied from the ledger."""

    def __init__(self, storage: LeasedStorage, ledger: Ledger) -> None:
        self._storage = storage
        self._ledger = ledger
        self._fetching: dict[str, asyncio.Task[None]] = {}
        self._waiting: collections.Counter[str] = collections.Counter()

    async def ensure(self, counters: Sequence[Counter]) -> None:
        """Return when each counter's lease serves, or one refuses; the caller spends before it awaits anything else.

        What is lacking is asked for in one message. Where one refuses, nothing is borrowed from the others.
        """
        while lacking := self._lacking(counters):
            await asyncio.gather(*map(self._supply, lacking))

    def _lacking(self, counters: Sequence[Counter]) -> Sequence[Counter]:
        now, lacking = clock.timestamp(), []
        for counter in counters:
            lease = self._storage.held(counter.key)
            if lease is None or not lease.serves(counter.limit, now):
                lacking.append(counter)
            elif lease.refuses:
                return ()
        return lacking

    async def _supply(self, counter: Counter) -> None:
        key = counter.key
        self._waiting[key] += 1
        try:
            await asyncio.shield(self._fetching.get(key) or self._fetch(key, counter.limit))
        finally:
            self._waiting[key] -= 1
            if not self._waiting[key]:
                del self._waiting[key]

    async def close(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._fetching.values())

    def _fetch(self, key: str, limit: int) -> asyncio.Task[None]:
        task = asyncio.create_task(self._renew(key, limit))
        self._fetching[key] = task
        return task

    async def _renew(self, key: str, limit: int) -> None:
        previous = self._storage.give_up(key)
        loan = Loan(
            key=key,
            limit=limit,
            need=max(1, self._waiting[key]),
            wish=_wish(limit, previous),
            seconds=LEASE_SECONDS,
            settles=previous.debit if previous else NOTHING_LENT,
        )
        starts = clock.timestamp()
        try:
            self._storage.put(key, _lease(limit, await self._ledger.lend(loan), starts))
        finally:
            del self._fetching[key]  # here, not in a callback: who found a finished task would await it for ever


def _lease(limit: int, grant: Grant, starts: float) -> Lease:
    lasts = LEASE_SECONDS if grant.tokens else min(grant.wait, _REFUSAL_SECONDS)
    return Lease(
        limit=limit,
        lent=grant.tokens,
        tokens=grant.tokens,
        left=grant.left,
        starts=starts,
        ends=starts + lasts,
        frees_at=starts + grant.wait,
        slot=grant.slot,
        era=grant.era,
    )
