"""A ledger lends tokens: what it may be asked, and what it answers.

Spent tokens are kept per key in slots of one second. A slot counts against the limit until it has
left the window altogether, so no window, wherever it starts, ever holds more than the limit. A
lease's tokens are debited when they are lent, in the slot in which the lease ends, under the loan's
own id; when the holder settles the loan by that id, what it spent moves to the present and what it
did not spend is free again. A loan is settled once: a second time changes nothing. A holder that
never comes back leaves its tokens stranded for one window, which is why leases are small.
"""

from collections.abc import Awaitable
from typing import NamedTuple, Protocol

WINDOW = 60
"""Seconds over which a limit is counted."""


class Debit(NamedTuple):
    """A loan that is over: its id, and how many of its tokens were spent.

    ``shared`` tells whose ledger lent it: the one that all processes share, or this process's own.
    """

    loan: str
    spent: int
    shared: bool


NOTHING_LENT = Debit(loan="", spent=0, shared=False)


class Loan(NamedTuple):
    """A request for tokens: ``need`` will be spent at once, up to ``wish`` within ``seconds``.

    A loan for no seconds is spent when it is lent, and is not settled. A key whose slots last ``unit``
    seconds each is counted over ``unit * WINDOW`` seconds. Only keys that are counted exactly, without
    leases, have slots of more than one second.
    """

    id: str
    key: str
    limit: int
    need: int
    wish: int
    seconds: int
    settles: Debit = NOTHING_LENT
    unit: int = 1


class Grant(NamedTuple):
    """Tokens lent, what is left for others, and the seconds until more come free."""

    tokens: int
    left: int
    wait: float
    shared: bool


class Ledger(Protocol):
    """Whatever lends tokens."""

    def lend(self, loan: Loan) -> Awaitable[Grant]:
        """Lend ``need`` tokens if there are so many; up to ``wish`` while that is a small part of what is left."""

    def settle(self, key: str, debit: Debit) -> None:
        """Settle a loan without asking for another; it may take effect later."""
