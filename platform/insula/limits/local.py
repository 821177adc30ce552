"""The ledger of one process, for while there is no Redis. Same rules, same answers."""

import math

from insula import clock
from insula.ids import new_id
from insula.limits.ledger import WINDOW, Debit, Grant, Loan

_ENTRIES = 10_000


class Entry:
    """The slots of one key."""

    def __init__(self) -> None:
        self.era = new_id().hex
        self._slots: dict[int, int] = {}

    def lend(self, loan: Loan, now: float) -> Grant:
        """Settle the earlier debit, drop what has left the window, lend."""
        now /= loan.unit
        second = math.floor(now)
        self._settle(loan.settles, second)
        self._slots = {s: n for s, n in self._slots.items() if n > 0 and -WINDOW <= s - second <= WINDOW}
        available = max(0, loan.limit - sum(self._slots.values()))
        tokens = min(available, max(loan.need, min(loan.wish, available // 4)))
        due = second + loan.seconds
        if tokens:
            self._slots[due] = self._slots.get(due, 0) + tokens
        return Grant(tokens, available - tokens, self._wait(loan.limit, now) * loan.unit, due, self.era)

    def _settle(self, debit: Debit, second: int) -> None:
        if debit.era == self.era and debit.slot in self._slots:
            self._slots[debit.slot] -= debit.lent
            slot = min(second, debit.slot)
            self._slots[slot] = self._slots.get(slot, 0) + debit.spent

    def _wait(self, limit: int, now: float) -> float:
        surplus = sum(self._slots.values()) - limit
        for slot in sorted(self._slots):
            surplus -= self._slots[slot]
            if surplus < 0:
                return slot + WINDOW + 1 - now
        return WINDOW


class LocalLedger:
    """Counts what this process admits; knows nothing of the others. Bounded: the key unused longest is forgotten."""

    def __init__(self, entries: int = _ENTRIES) -> None:
        self._max = entries
        self._entries: dict[str, Entry] = {}

    def lend(self, loan: Loan) -> Grant:
        """Lend at once."""
        entry = self._entries.pop(loan.key, None) or Entry()
        self._entries[loan.key] = entry
        if len(self._entries) > self._max:
            del self._entries[next(iter(self._entries))]
        return entry.lend(loan, clock.timestamp())
