"""Fetching leases: in time, in a fitting size, and once for all who wait."""

import asyncio
import math
from collections import defaultdict
from collections.abc import Sequence

from insula.core import clock
from insula.core.ids import new_id
from insula.limits.rates.ledger import NOTHING_LENT, Grant, Ledger, Loan
from insula.limits.rates.policies import Counter
from insula.limits.rates.storage import Lease, LeasedStorage

LEASE_SECONDS = 10
"""How long a lease may be spent. Past it, its tokens count as spent and are settled on return."""
_AHEAD_SECONDS = 2.0
"""So long before its end a lease is renewed."""
_LOW_PART = 4
"""With this part of its tokens left, likewise."""
_SETTLED_PART = 100
"""With this part of the limit spent, likewise: what is spent counts from when it is settled, so late by that much."""
_GATHERING_SECONDS = 0.2
"""For so long leases to be renewed ahead are gathered: asked for in one message they cost a fraction."""
_REFUSAL_SECONDS = 1.0
"""How long a refusal is repeated without asking again: other processes may give tokens back."""


def largest_lease(limit: int) -> int:
    """Return the tokens that one process may at most hold unspent of this limit."""
    return max(1, limit // 20)


def _wish(limit: int, previous: Lease | None) -> int:
    spent = previous.debit.spent if previous else 0
    return min(largest_lease(limit), max(1, limit // 100, 2 * spent))


class Leases:
    """Keeps the storage supplied from the ledger.

    Who lacks a lease waits for nothing but the answer: each step between would cost a turn of the
    event loop, which under load takes as long as every request that is ready.
    """

    def __init__(self, storage: LeasedStorage, ledger: Ledger) -> None:
        self._storage = storage
        self._ledger = ledger
        self._fetching: dict[str, asyncio.Task[None]] = {}
        self._due: dict[str, Counter] = {}
        self._gathering: asyncio.TimerHandle | None = None
        self._closed = False
        self._waiting: defaultdict[str, dict[asyncio.Future[None], None]] = defaultdict(dict)  # in order of arrival

    async def ensure(self, counters: Sequence[Counter]) -> None:
        """Return when each counter's lease serves, or one refuses; the caller spends before it awaits anything else.

        What is lacking is asked for in one message. Where one refuses, nothing is borrowed from the others.
        """
        while lacking := self._lacking(counters):
            waits = [(counter.key, self._wait(counter)) for counter in lacking]
            try:
                for _, wait in waits:
                    await wait
            finally:
                for key, wait in waits:
                    self._stop_waiting(key, wait)
            if self._refused(waits):
                return

    def renew(self, counter: Counter) -> None:
        """Fetch the next lease soon, while the present one still serves, unless that is under way."""
        if counter.key in self._fetching or self._closed:
            return
        self._due[counter.key] = counter
        if self._gathering is None:
            self._gathering = asyncio.get_running_loop().call_later(_GATHERING_SECONDS, self._renew_due)

    def _renew_due(self) -> None:
        due, self._due, self._gathering = self._due, {}, None
        now = clock.timestamp()
        for counter in due.values():
            lease = self._storage.held(counter.key)
            if lease is not None and not lease.refuses and now < lease.ends:
                self._start(counter)  # else it is for whoever asks next

    def _start(self, counter: Counter) -> None:
        if counter.key not in self._fetching:
            self._fetching[counter.key] = asyncio.create_task(self._fetch(counter))

    def _lacking(self, counters: Sequence[Counter]) -> Sequence[Counter]:
        now, lacking = clock.timestamp(), []
        for counter in counters:
            lease = self._storage.held(counter.key)
            if lease is None or not lease.serves(counter.limit, now):
                lacking.append(counter)
            elif lease.refuses:
                return ()
        return lacking

    def _refused(self, waits: Sequence[tuple[str, asyncio.Future[None]]]) -> bool:
        """Tell whether what was waited for is a refusal; it counts even if it came so late that it has lapsed."""
        return any(lease is not None and lease.refuses for lease in (self._storage.held(key) for key, _ in waits))

    def _wait(self, counter: Counter) -> asyncio.Future[None]:
        wait = asyncio.get_running_loop().create_future()
        self._waiting[counter.key][wait] = None
        self._start(counter)
        return wait

    def _stop_waiting(self, key: str, wait: asyncio.Future[None]) -> None:
        wait.cancel()
        if key in self._waiting:
            self._waiting[key].pop(wait, None)

    async def close(self) -> None:
        """Wait for what is under way, renew nothing ahead any more, and give back what is not spent."""
        self._closed = True
        if self._gathering is not None:
            self._gathering.cancel()
        await asyncio.gather(*self._fetching.values())
        for key, lease in self._storage.give_up_all().items():
            self._settle(key, lease)

    async def _fetch(self, counter: Counter) -> None:
        error: Exception | None = None
        try:
            await self._renew(counter.key, counter.limit)
        except Exception as raised:  # noqa: BLE001 (it is for those who wait)
            error = raised
        finally:
            del self._fetching[counter.key]
            for wait in self._waiting.pop(counter.key, ()):
                _wake(wait, error)

    async def _renew(self, key: str, limit: int) -> None:
        starts = clock.timestamp()
        previous = self._storage.held(key)
        settles = previous.debit if previous else NOTHING_LENT
        wish, kept = _wish(limit, previous), 0
        # What is kept is spent on meanwhile. It is settled as unspent and asked for anew, in one step:
        # the ledger has it free by then, so what was spent meanwhile is always covered by the new lease.
        # More than is wished for, from a burst that came to nothing, goes back.
        if previous and previous.serves(limit, starts):
            kept = previous.tokens = min(previous.tokens, wish)
        if not kept:
            self._storage.give_up(key)  # nobody may spend what is about to be settled
        loan = Loan(
            id=new_id().hex,
            key=key,
            limit=limit,
            need=max(1, kept, len(self._waiting[key])),
            wish=wish,
            seconds=LEASE_SECONDS,
            settles=settles,
        )
        lease = _lease(loan, await self._ledger.lend(loan), starts)
        if kept and previous:
            lease.tokens = max(0, lease.tokens - max(0, kept - previous.tokens))
        if (evicted := self._storage.put(key, lease)) is not None:
            self._settle(*evicted)

    def _settle(self, key: str, lease: Lease) -> None:
        if lease.lent:
            self._ledger.settle(key, lease.debit)


def _wake(wait: asyncio.Future[None], error: Exception | None) -> None:
    if wait.done():
        return
    if error is None:
        wait.set_result(None)
    else:
        wait.set_exception(error)


def _lease(loan: Loan, grant: Grant, starts: float) -> Lease:
    lasts = LEASE_SECONDS if grant.tokens else min(grant.wait, _REFUSAL_SECONDS)
    return Lease(
        limit=loan.limit,
        lent=grant.tokens,
        tokens=grant.tokens,
        left=grant.left,
        starts=starts,
        ends=starts + lasts,
        frees_at=starts + grant.wait,
        loan=loan.id,
        shared=grant.shared,
        wanes_at=starts + LEASE_SECONDS - _AHEAD_SECONDS if grant.tokens else math.inf,
        low=_low(loan.limit, grant.tokens),
    )


def _low(limit: int, tokens: int) -> int:
    return max(tokens // _LOW_PART, tokens - max(1, limit // _SETTLED_PART)) if tokens else -1
