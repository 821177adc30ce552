"""Fetches leases: ahead of time, sized by use, and once for all waiting requests."""

import asyncio
import math
from collections import defaultdict
from collections.abc import Sequence

from insula.core import clock
from insula.core.ids import new_id
from insula.limits.rates.ledger import NOTHING_LENT, Ledger, Loan, LoanReply
from insula.limits.rates.policies import Counter
from insula.limits.rates.storage import Lease, LeasedStorage

LEASE_SECONDS = 10
"""How long a lease can be used. Later its tokens count as spent until it is settled."""
_AHEAD_SECONDS = 2.0
"""A lease is renewed this long before it ends."""
_LOW_PART = 4
"""It is also renewed when at most this part (1/n) of its tokens is left."""
_SETTLED_PART = 100
"""And when this part (1/n) of the limit is spent: the ledger learns of spent tokens only by a renewal."""
_GATHERING_SECONDS = 0.2
"""Renewals are collected for this long and sent in one message, which costs a fraction."""
_REFUSAL_SECONDS = 1.0
"""How long a refusal is reused; then the ledger is asked again, since other processes may have returned tokens."""


def largest_lease(limit: int) -> int:
    """Return the most tokens of this limit that one process may hold unspent."""
    return max(1, limit // 20)


def _wish(limit: int, previous: Lease | None) -> int:
    spent = previous.debit.spent if previous else 0
    return min(largest_lease(limit), max(1, limit // 100, 2 * spent))


class Leases:
    """Fills the storage from the ledger.

    A request without a lease awaits the answer itself: each step between would cost one turn of the event loop, which
    under load takes as long as all ready requests together.
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
        """Return once each counter has a usable lease, or one refuses. The caller spends before its next await.

        Missing leases are requested in one message. If a known lease refuses, none is requested.
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
        """Fetch the next lease soon, while the present one is still usable, unless it is being fetched."""
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
                self._start(counter)  # else the next request fetches it

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
        """Return whether an answer was a refusal. It counts even if it has expired since."""
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
        """Stop renewing, wait for the leases being fetched, and return unspent tokens."""
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
        except Exception as raised:  # noqa: BLE001 (passed on to the waiting requests)
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
        # Requests go on spending the kept tokens meanwhile. The ledger settles them as unspent and lends them again
        # in one step, so the new lease always covers what was spent meanwhile. Tokens beyond ``wish``, left from a
        # past burst, go back.
        if previous and previous.serves(limit, starts):
            kept = previous.tokens = min(previous.tokens, wish)
        if not kept:
            self._storage.give_up(key)  # no request may spend tokens that are about to be settled
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


def _lease(loan: Loan, reply: LoanReply, starts: float) -> Lease:
    lasts = LEASE_SECONDS if reply.tokens else min(reply.wait, _REFUSAL_SECONDS)
    return Lease(
        limit=loan.limit,
        lent=reply.tokens,
        tokens=reply.tokens,
        left=reply.left,
        starts=starts,
        ends=starts + lasts,
        frees_at=starts + reply.wait,
        loan=loan.id,
        shared=reply.shared,
        renew_at=starts + LEASE_SECONDS - _AHEAD_SECONDS if reply.tokens else math.inf,
        low=_low(loan.limit, reply.tokens),
    )


def _low(limit: int, tokens: int) -> int:
    return max(tokens // _LOW_PART, tokens - max(1, limit // _SETTLED_PART)) if tokens else -1
