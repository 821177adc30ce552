"""The interface of a ledger, which lends tokens.

A ledger keeps spent tokens per key in time slots of one second. A slot counts against the limit until the whole slot
has left the window, so no window, wherever it starts, holds more than the limit. A lease's tokens are debited when
they are lent, in the slot in which the lease ends, under the loan's id. When the holder settles the loan by that id,
the spent tokens move to the present slot and the others are free again. Settling twice changes nothing. If the holder
never settles, its tokens are blocked for one window; therefore leases are small.
"""

from collections.abc import Awaitable
from typing import NamedTuple, Protocol

WINDOW = 60
"""Seconds over which a limit is counted."""


class Debit(NamedTuple):
    """A finished loan: its id, and how many of its tokens were spent.

    ``shared`` is True if the ledger that all processes share lent it, and False if this process's own did.
    """

    loan: str
    spent: int
    shared: bool


NOTHING_LENT = Debit(loan="", spent=0, shared=False)


class Loan(NamedTuple):
    """A request for tokens: ``need`` to spend at once, up to ``wish`` to spend within ``seconds``.

    A loan for 0 seconds is spent when it is lent, and is not settled. A key whose slots last ``unit`` seconds is
    counted over ``unit * WINDOW`` seconds. Only keys without leases have slots longer than one second.
    """

    id: str
    key: str
    limit: int
    need: int
    wish: int
    seconds: int
    settles: Debit = NOTHING_LENT
    unit: int = 1


class LoanReply(NamedTuple):
    """The tokens lent, the tokens left for others, and the seconds until more are free."""

    tokens: int
    left: int
    wait: float
    shared: bool


class Ledger(Protocol):
    """Lends tokens."""

    def lend(self, loan: Loan) -> Awaitable[LoanReply]:
        """Lend ``wish`` tokens, but at most a quarter of those left; at least ``need``, or all that are left."""

    def settle(self, key: str, debit: Debit) -> None:
        """Settle a loan without a new one; this may take effect later."""
