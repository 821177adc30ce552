"""Processes that share a server and one clock, which only the test moves."""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

from redis.asyncio import Redis

from insula.core import clock
from insula.core.ids import TenantId, new_id, new_tenant_id
from insula.limits import KeyRate, LimitClass, Limits, close, connect
from insula.limits.rates.failover import FailoverLedger
from insula.limits.rates.ledger import WINDOW
from insula.limits.rates.local import LocalLedger
from insula.limits.rates.remote import RemoteLedger
from tests.support.limits import admit

WORKERS: Final = 3
PATIENCE: Final = 5.0
READ: Final = LimitClass.READ


class Admitted(NamedTuple):
    """An admitted request: its time, process, class and key."""

    at: float
    worker: int
    limit_class: LimitClass
    key_id: UUID | None


@dataclass
class Installation:
    """``redis`` sets the clock and always reaches the server; the processes use ``proxied``."""

    redis: Redis
    proxied: Redis
    tenant: TenantId = field(default_factory=new_tenant_id)
    elapsed: float = 0.0
    admitted: list[Admitted] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._clock = f"test-clock:{new_id()}"
        self._zero = math.floor(clock.timestamp()) + 0.9  # late in a time slot, which reveals a slot dropped too early
        self.prelude = f"local now = tonumber(redis.call('GET', '{self._clock}'))"
        ledgers = [
            FailoverLedger(RemoteLedger(self.proxied, self.prelude), LocalLedger(), PATIENCE) for _ in range(WORKERS)
        ]
        self.workers = [Limits(ledger) for ledger in ledgers]

    async def wait(self, duration: float) -> None:
        """Move the clock of the server and the processes."""
        self.elapsed += duration
        await self.redis.set(self._clock, repr(self.now), ex=600)

    @property
    def now(self) -> float:
        """The server's time."""
        return self._zero + self.elapsed

    async def request(
        self,
        worker: int,
        times: int,
        per_minute: int,
        limit_class: LimitClass = READ,
        key: KeyRate | None = None,
        *,
        skew: float = 0.0,
    ) -> int:
        """Send requests now; return the number of admitted ones. ``skew`` is the error of the process's clock."""
        with clock.moved(timedelta(seconds=self.elapsed + skew)):
            verdicts = [
                await admit(self.workers[worker], self.tenant, per_minute, limit_class, key=key) for _ in range(times)
            ]
        count = sum(verdict.allowed for verdict in verdicts)
        self.admitted += [Admitted(self.elapsed, worker, limit_class, key.key_id if key else None)] * count
        return count

    def busiest_window(self, limit_class: LimitClass | None = None, key_id: UUID | None = None) -> int:
        """Return the largest number of requests admitted in one window: in all, of a class or with a key."""
        times = [
            one.at for one in self.admitted if limit_class in (None, one.limit_class) and key_id in (None, one.key_id)
        ]
        return max((sum(start <= t < start + WINDOW for t in times) for start in times), default=0)


@asynccontextmanager
async def installation(url: str, proxied: str | None = None) -> AsyncIterator[Installation]:
    """Run processes on the server at ``url``, which they reach through ``proxied``."""
    direct, travelled = connect(url), connect(proxied or url)
    shared = Installation(direct, travelled)
    await shared.wait(0)
    try:
        yield shared
    finally:
        for worker in shared.workers:
            await worker.close()
        for redis in (direct, travelled):
            await close(redis)
