"""The ledger that all processes share, in Redis."""

from redis.asyncio import Redis

from insula.ids import new_id
from insula.limits.ledger import WINDOW, Grant, Loan
from insula.limits.script import LEND, SERVER_CLOCK

_PREFIX = "insula:limits:"


class RemoteLedger:
    """One script call per loan. ``clock`` is the Lua that sets ``now``; tests put a clock of their own there."""

    def __init__(self, redis: Redis, clock: str = SERVER_CLOCK) -> None:
        self._redis = redis
        self._script = redis.register_script(clock + LEND)

    async def lend(self, loan: Loan) -> Grant:
        """Lend; raises what the client raises."""
        era, slot, lent, spent = loan.settles
        tokens, left, wait, due, new_era = await self._script(
            keys=[_PREFIX + loan.key],
            args=[WINDOW, loan.limit, loan.need, loan.wish, loan.seconds, new_id().hex, era, slot, lent, spent],
        )
        return Grant(int(tokens), int(left), int(wait) / 1000, int(due), bytes(new_era).decode())

    async def ping(self) -> None:
        """Return when the server answers."""
        await self._redis.ping()
