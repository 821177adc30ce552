"""A ledger lends tokens: what it may be asked, and what it answers.

Spent tokens are kept per key in slots of one second. A slot counts against the limit until it has
left the window altogether, so no window, wherever it starts, ever holds more than the limit. A
lease's tokens are debited when they are lent, in the slot in which the lease ends; when the holder
comes back, what it spent moves to the present and what it did not spend is free again. A holder
that never comes back leaves its tokens stranded for one window, which is why leases are small.
"""

from collections.abc import Awaitable
from typing import NamedTuple, Protocol

WINDOW = 60
"""Seconds over which a limit is counted."""


class Debit(NamedTuple):
    """Tokens lent earlier: how many, in which slot, and how many of them were spent."""

    era: str
    slot: int
    lent: int
    spent: int


NOTHING_LENT = Debit(era="", slot=0, lent=0, spent=0)


class Loan(NamedTuple):
    """A request for tokens: ``need`` will be spent at once, up to ``wish`` within ``seconds``.

    A key whose slots last ``unit`` seconds each is counted over ``unit * WINDOW`` seconds. Only keys that are
    counted exactly, without leases, have slots of more than one second.
    """

    key: str
    limit: int
    need: int
    wish: int
    seconds: int
    settles: Debit = NOTHING_LENT
    unit: int = 1


class Grant(NamedTuple):
    """Tokens lent, what is left for others, and the seconds until more come free.

    ``era`` names the life of the ledger's entry: a debit of another era (the server was emptied, or
    other books were kept while it was away) is not settled.
    """

    tokens: int
    left: int
    wait: float
    slot: int
    era: str


class Ledger(Protocol):
    """Whatever lends tokens."""

    def lend(self, loan: Loan) -> Awaitable[Grant]:
        """Lend ``need`` tokens if there are so many; up to ``wish`` while that is a small part of what is left."""
