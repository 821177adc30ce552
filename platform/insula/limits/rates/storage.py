"""The leases of this process, as a storage of the ``limits`` library."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from limits.storage import MovingWindowSupport, Storage

from insula.limits.rates.ledger import Debit

LEASES: Final = 20_000
TOGETHER: Final = "+"
"""Joins the names of leases that are spent together, all or none."""


@dataclass(slots=True)
class Lease:
    """Tokens for one key, or a refusal that holds until ``ends``."""

    limit: int
    lent: int
    tokens: int
    left: int
    starts: float
    ends: float
    frees_at: float
    loan: str
    shared: bool
    renew_at: float
    """From this time on, a request that uses the lease causes its renewal."""
    low: int
    """So does a request while at most this many tokens are left."""

    def serves(self, limit: int, now: float) -> bool:
        """Return whether it can answer, with a token or a fresh refusal. It cannot if the clock went back."""
        return (self.tokens > 0 or not self.lent) and self.limit == limit and self.starts <= now < self.ends

    @property
    def refuses(self) -> bool:
        """Whether it is a refusal."""
        return not self.lent

    @property
    def debit(self) -> Debit:
        """Its settlement for the ledger."""
        return Debit(self.loan, self.lent - self.tokens, self.shared)


class LeasedStorage(Storage, MovingWindowSupport):
    """Spends leased tokens, in memory only. Bounded: the lease renewed longest ago is dropped.

    A key may name several leases, joined by ``TOGETHER``.
    """

    STORAGE_SCHEME: list[str] | None = ["leased"]  # noqa: RUF012 (limits declares it so)

    def __init__(self, uri: str | None = None) -> None:
        super().__init__(uri)
        # The library wraps the class's method to translate errors; this storage raises none.
        self.acquire_entry = self._spend  # type: ignore[method-assign]  # see above
        self._leases: dict[str, Lease] = {}
        self.held = self._leases.get
        """Returns the lease of one name in any state, or None."""

    def put(self, key: str, lease: Lease) -> tuple[str, Lease] | None:
        """Store a new lease; return the lease that was dropped for it, if any."""
        self._leases.pop(key, None)
        self._leases[key] = lease
        if len(self._leases) <= LEASES:
            return None
        oldest = next(iter(self._leases))
        return oldest, self._leases.pop(oldest)

    def give_up_all(self) -> Mapping[str, Lease]:
        """Remove and return every lease."""
        leases, self._leases = self._leases, {}
        self.held = self._leases.get
        return leases

    def give_up(self, key: str) -> Lease | None:
        """Remove and return the lease, so that no request spends tokens that are about to be settled."""
        return self._leases.pop(key, None)

    def give_back(self, key: str) -> None:
        """Unspend a token, if the key has a lease with a spent one."""
        lease = self._leases.get(key)
        if lease is not None and lease.tokens < lease.lent:
            lease.tokens += 1

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Spend tokens if each lease has enough."""
        return self._spend(key, limit, expiry, amount)

    def _spend(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:  # noqa: ARG002 (limits' API)
        names = key.split(TOGETHER)
        for name in names:
            lease = self._leases.get(name)
            if lease is None or lease.tokens < amount:
                return False
        for name in names:
            self._leases[name].tokens -= amount
        return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:  # noqa: ARG002 (limits' API)
        """Return the window's start and the known use in it."""
        return self.get_expiry(key) - expiry, self.get(key)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Spend tokens and return the use; more than any limit if the leases have too few."""
        return self.get(key) if self.acquire_entry(key, sys.maxsize, expiry, amount) else sys.maxsize

    def get(self, key: str) -> int:
        """Return the known use of the tightest limit, by all processes."""
        lease = min(self._all(key), key=_unused, default=None)
        return lease.limit - _unused(lease) if lease else 0

    def get_expiry(self, key: str) -> float:
        """Return the time at which each lease has free tokens again."""
        return max((lease.frees_at for lease in self._all(key)), default=0.0)

    def check(self) -> bool:
        """Return True: it is in memory."""
        return True

    def reset(self) -> int:
        """Drop every lease."""
        count = len(self._leases)
        self._leases.clear()
        return count

    def clear(self, key: str) -> None:
        """Drop the leases."""
        for name in key.split(TOGETHER):
            self._leases.pop(name, None)

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """Return the storage's own errors: none."""
        return ()

    def _all(self, key: str) -> Sequence[Lease]:
        return [lease for name in key.split(TOGETHER) if (lease := self._leases.get(name)) is not None]


def _unused(lease: Lease) -> int:
    return lease.left + lease.tokens
