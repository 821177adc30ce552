"""A ledger that uses Redis while it answers in time, and otherwise this process's own ledger.

During an outage each process admits up to the whole limit by itself. So a tenant within its limit is never refused,
and the installation admits at most (processes + 1) x limit in any window that overlaps the outage, and one limit more
if Redis lost its data.
"""

from insula.limits.circuit import AWAY, PATIENCE, Circuit
from insula.limits.rates.ledger import Debit, Loan, LoanReply
from insula.limits.rates.local import LocalLedger
from insula.limits.rates.remote import RemoteLedger


class FailoverLedger:
    """Never raises and never waits long. A loan is settled at the ledger that lent it."""

    def __init__(self, remote: RemoteLedger | None, local: LocalLedger, patience: float = PATIENCE) -> None:
        self._remote = remote
        self._local = local
        self.circuit = Circuit(remote, patience)

    @property
    def away(self) -> bool:
        """Whether this process counts by itself now."""
        return self.circuit.open

    async def lend(self, loan: Loan, local: Loan | None = None) -> LoanReply:
        """Lend from Redis, or from this process's own ledger, which lends ``local`` instead if it is given."""
        if self._remote is not None and not self.circuit.open:
            try:
                reply = await self.circuit.attempt(self._remote.lend(loan))
            except AWAY:
                pass  # the circuit is open now
            else:
                if loan.settles.loan and not loan.settles.shared:
                    self._local.settle(loan.key, loan.settles)
                return reply
        if loan.settles.shared:
            self.settle(loan.key, loan.settles)
        return self._local.lend(local or loan)

    def settle(self, key: str, debit: Debit) -> None:
        """Settle a loan; a loan from Redis is settled once Redis answers."""
        if not debit.shared:
            self._local.settle(key, debit)
        elif self._remote is not None:
            self._remote.settle(key, debit)
            if not self.circuit.open:
                self._remote.resume()

    async def close(self) -> None:
        """Stop probing, and wait briefly for requests under way."""
        await self.circuit.close()
        if self._remote is not None:
            if not self.circuit.open:
                self._remote.resume()
            await self._remote.close()
