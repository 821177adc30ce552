"""Concurrency permits: they bound how many expensive requests of one tenant run at once.

All processes share a tenant's permits. A permit expires after ``TTL_SECONDS`` and is renewed while its request runs,
so the permits of a killed process are soon free again. While Redis is away, each process counts only its own permits:
at most processes x limit requests run at once. When Redis is back, renewing writes down the permits held meanwhile.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from insula.core.ids import new_id
from insula.limits.circuit import AWAY, Circuit
from insula.limits.concurrency.store import RemotePermits, StoredPermit

TTL_SECONDS: Final = 20
RENEW_EVERY: Final = 5.0
_CLOSING_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Permit:
    """The right to run one expensive request, until it is released. ``left`` further permits were free."""

    stored: StoredPermit
    left: int
    _permits: "Permits" = field(repr=False)

    def release(self) -> None:
        """Free the permit: at once in this process, in the background for the others."""
        self._permits.release(self.stored)


class Permits:
    """The permits that this process holds."""

    def __init__(self, store: RemotePermits | None, circuit: Circuit, renew_every: float = RENEW_EVERY) -> None:
        self._store = store
        self._circuit = circuit
        self._renew_every = renew_every
        self._held: dict[str, set[StoredPermit]] = {}
        self._keeper: asyncio.Task[None] | None = None
        self._releasing: set[asyncio.Task[None]] = set()

    async def acquire(self, key: str, limit: int) -> Permit | None:
        """Return one of the key's ``limit`` permits, or None while all are held. Waits for Redis briefly."""
        mine = self._held.get(key, ())
        if len(mine) >= limit:
            return None
        stored = StoredPermit(key, new_id().hex, TTL_SECONDS)
        self._held.setdefault(key, set()).add(stored)  # before the first await, so that the next caller counts it
        try:
            left = await self._ask(stored, limit)
        except BaseException:
            self.release(stored)
            raise
        if left < 0:
            self.release(stored)
            return None
        if self._store is not None and self._keeper is None:
            self._keeper = asyncio.create_task(self._keep_all())
        return Permit(stored, left, self)

    def release(self, stored: StoredPermit) -> None:
        """Free a permit; do nothing when it is free already."""
        mine = self._held.get(stored.key, set())
        if stored not in mine:
            return
        mine.remove(stored)
        if not mine:
            del self._held[stored.key]
        if self._store is not None:
            task = asyncio.create_task(self._release_remotely(self._store, stored))
            self._releasing.add(task)
            task.add_done_callback(self._releasing.discard)

    async def renew(self) -> None:
        """Renew all permits held here; do nothing while Redis is away."""
        held = [stored for mine in self._held.values() for stored in mine]
        if held and self._store is not None and not self._circuit.open:
            with suppress(*AWAY):
                await self._store.renew(held)

    async def close(self) -> None:
        """Stop renewing, and wait for the releases under way."""
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
        if self._releasing:
            await asyncio.wait(self._releasing, timeout=0 if self._circuit.open else _CLOSING_SECONDS)
        for task in self._releasing:
            task.cancel()
        if self._releasing:
            await asyncio.wait(self._releasing, timeout=_CLOSING_SECONDS)
        if self._store is not None:
            await self._store.close()

    async def _ask(self, stored: StoredPermit, limit: int) -> int:
        if self._store is not None and not self._circuit.open:
            with suppress(*AWAY):
                return await self._circuit.attempt(self._store.acquire(stored, limit))
        return limit - len(self._held[stored.key])

    async def _release_remotely(self, store: RemotePermits, stored: StoredPermit) -> None:
        await store.wait_for_writes(stored)  # else a write on another connection could arrive after the release
        with suppress(TimeoutError):
            async with asyncio.timeout(TTL_SECONDS):  # after that it has expired by itself
                while not await self._released(store, stored):
                    await self._circuit.wait_until_closed()

    async def _released(self, store: RemotePermits, stored: StoredPermit) -> bool:
        if self._circuit.open:
            return False
        try:
            await self._circuit.attempt(asyncio.ensure_future(store.release(stored)))
        except AWAY:
            return False
        return True

    async def _keep_all(self) -> None:
        while self._held:
            await asyncio.sleep(self._renew_every)
            await self.renew()
        self._keeper = None
