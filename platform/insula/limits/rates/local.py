"""The ledger of one process, used without Redis. It follows the same rules."""

import math
from typing import NamedTuple

from insula.core import clock
from insula.limits.rates.ledger import WINDOW, Debit, Loan, LoanReply

_ENTRIES = 10_000


class Lent(NamedTuple):
    """Tokens lent, and the time slot in which they count."""

    due: int
    tokens: int


class Entry:
    """The time slots of one key, and its loans."""

    def __init__(self) -> None:
        self._slots: dict[int, int] = {}
        self._loans: dict[str, Lent] = {}

    def lend(self, loan: Loan, now: float) -> LoanReply:
        """Settle the earlier loan, drop the slots that have left the window, and lend."""
        now /= loan.unit
        second = math.floor(now)
        self.settle(loan.settles, second)
        self._slots = {slot: tokens for slot, tokens in self._slots.items() if abs(slot - second) <= WINDOW}
        self._loans = {name: lent for name, lent in self._loans.items() if abs(lent.due - second) <= WINDOW}
        used = sum(self._slots.values()) + sum(lent.tokens for lent in self._loans.values())
        available = max(0, loan.limit - used)
        tokens = min(available, max(loan.need, min(loan.wish, available // 4)))
        if tokens and loan.seconds:
            self._loans[loan.id] = Lent(second + loan.seconds, tokens)
        elif tokens:
            self._spend(second, tokens)
        return LoanReply(tokens, available - tokens, self._wait(loan.limit, now) * loan.unit, shared=False)

    def settle(self, debit: Debit, second: int) -> None:
        """Settle a loan of this entry; ignore an unknown or settled one."""
        lent = self._loans.pop(debit.loan, None)
        if lent is not None and debit.spent:
            self._spend(min(second, lent.due), debit.spent)

    def _spend(self, slot: int, tokens: int) -> None:
        self._slots[slot] = self._slots.get(slot, 0) + tokens

    def _wait(self, limit: int, now: float) -> float:
        total = dict(self._slots)
        for lent in self._loans.values():
            total[lent.due] = total.get(lent.due, 0) + lent.tokens
        surplus = sum(total.values()) - limit
        for slot in sorted(total):
            surplus -= total[slot]
            if surplus < 0:
                return slot + WINDOW + 1 - now
        return WINDOW


class LocalLedger:
    """Counts what this process alone admits. Bounded: the least recently used key is dropped."""

    def __init__(self, entries: int = _ENTRIES) -> None:
        self._max = entries
        self._entries: dict[str, Entry] = {}

    def lend(self, loan: Loan) -> LoanReply:
        """Lend at once."""
        entry = self._entries.pop(loan.key, None) or Entry()
        self._entries[loan.key] = entry
        if len(self._entries) > self._max:
            del self._entries[next(iter(self._entries))]
        return entry.lend(loan, clock.timestamp())

    def settle(self, key: str, debit: Debit) -> None:
        """Settle a loan at once."""
        entry = self._entries.get(key)
        if entry is not None:
            entry.settle(debit, math.floor(clock.timestamp()))
