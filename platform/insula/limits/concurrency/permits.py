"""How many expensive requests of one tenant run at once: slots, held while they run.

All processes share the slots of a tenant. A slot lasts ``LASTS`` seconds and is held anew while its
request runs, so that those of a killed process are free again soon. While Redis is away each process
bounds its own: at most processes x limit run at once. What runs then is written down when it is back.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from insula.core.ids import new_id
from insula.limits.circuit import AWAY, Circuit
from insula.limits.concurrency.store import Place, RemotePlaces

LASTS: Final = 20
ANEW_EVERY: Final = 5.0
_CLOSING_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """The right to run beside the others, until it is released."""

    place: Place
    left: int
    _slots: "Slots" = field(repr=False)

    def release(self) -> None:
        """Let the next one in. At once for this process; the others hear of it in the background."""
        self._slots.release(self.place)


class Slots:
    """The slots that this process holds."""

    def __init__(self, places: RemotePlaces | None, circuit: Circuit, anew_every: float = ANEW_EVERY) -> None:
        self._places = places
        self._circuit = circuit
        self._anew_every = anew_every
        self._held: dict[str, set[Place]] = {}
        self._keeper: asyncio.Task[None] | None = None
        self._leaving: set[asyncio.Task[None]] = set()

    async def take(self, key: str, limit: int) -> Slot | None:
        """Return one of the key's ``limit`` slots, or None while all are held. Waits for Redis briefly."""
        mine = self._held.get(key, ())
        if len(mine) >= limit:
            return None
        place = Place(key, new_id().hex, LASTS)
        self._held.setdefault(key, set()).add(place)  # before anything is awaited, so that the next one counts it
        try:
            left = await self._ask(place, limit)
        except BaseException:
            self.release(place)
            raise
        if left < 0:
            self.release(place)
            return None
        if self._places is not None and self._keeper is None:
            self._keeper = asyncio.create_task(self._keep_all())
        return Slot(place, left, self)

    def release(self, place: Place) -> None:
        """Let go of a place; once more is nothing."""
        mine = self._held.get(place.key, set())
        if place not in mine:
            return
        mine.remove(place)
        if not mine:
            del self._held[place.key]
        if self._places is not None:
            task = asyncio.create_task(self._leave(self._places, place))
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)

    async def hold_anew(self) -> None:
        """Write down again what is held here; while Redis is away, nothing."""
        held = [place for mine in self._held.values() for place in mine]
        if held and self._places is not None and not self._circuit.open:
            with suppress(*AWAY):
                await self._places.keep(held)

    async def close(self) -> None:
        """Stop holding anew and wait for what is being let go of."""
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
        if self._leaving:
            await asyncio.wait(self._leaving, timeout=0 if self._circuit.open else _CLOSING_SECONDS)
        for task in self._leaving:
            task.cancel()
        if self._leaving:
            await asyncio.wait(self._leaving, timeout=_CLOSING_SECONDS)
        if self._places is not None:
            await self._places.close()

    async def _ask(self, place: Place, limit: int) -> int:
        if self._places is not None and not self._circuit.open:
            with suppress(*AWAY):
                return await self._circuit.attempt(self._places.take(place, limit))
        return limit - len(self._held[place.key])

    async def _leave(self, places: RemotePlaces, place: Place) -> None:
        await places.settled(place)  # else that might overtake the leaving, on another connection
        with suppress(TimeoutError):
            async with asyncio.timeout(LASTS):  # then it has ended by itself
                while not await self._left(places, place):
                    await self._circuit.closed()

    async def _left(self, places: RemotePlaces, place: Place) -> bool:
        if self._circuit.open:
            return False
        try:
            await self._circuit.attempt(asyncio.ensure_future(places.leave(place)))
        except AWAY:
            return False
        return True

    async def _keep_all(self) -> None:
        while self._held:
            await asyncio.sleep(self._anew_every)
            await self.hold_anew()
        self._keeper = None
