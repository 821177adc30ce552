"""How Redis answers: asked in time while it does, left alone but for a probe while it does not.

A question waits at most ``patience``. The first that waits in vain opens the circuit: from then on
each process counts by itself, and nobody asks Redis but the probe in the background. What the probe
finds decides what follows. Redis that answers late, but within a second, is asked again and waited
for that long; Redis that is silent, or that refuses to be written to, is left alone until it
answers. Waiting is measured in turns of the event loop too, so that a process that runs late itself
does not take Redis for silent.
"""

import asyncio
import time
from contextlib import suppress
from enum import StrEnum
from typing import Final, Protocol, TypeVar

import structlog
from redis.exceptions import RedisError, ResponseError

from insula.core import lag

PATIENCE: Final = 0.05
LONGEST: Final = 1.0
"""Redis that needs longer than this to answer is away."""
AWAY: Final = (RedisError, OSError, TimeoutError)
_PROBE_PAUSE: Final = 0.25
_SLOW_PAUSE: Final = 1.0
_STEADY: Final = 5
"""After so many prompt answers in a row Redis is not slow any more."""
_RELAPSE_SECONDS: Final = 5.0
"""Redis that is late again so soon is slow, even if the probe is answered promptly."""

Answer = TypeVar("Answer")
_log = structlog.stdlib.get_logger(__name__)


class Health(StrEnum):
    """How Redis answers, as ``/readyz`` shows it."""

    OK = "ok"
    SLOW = "slow"
    REFUSING = "refuses writes"
    AWAY = "away"


_SERVES: Final = (Health.OK, Health.SLOW)


class Server(Protocol):
    """A Redis that is asked."""

    async def probe(self) -> None:
        """Return when it takes a write."""

    async def start_afresh(self) -> None:
        """Wait no more on connections that may be dead."""

    def resume(self) -> None:
        """Take up what was left for later: it answers again."""


class Circuit:
    """Shared by all that is asked of one Redis; without one it is always open."""

    def __init__(self, server: Server | None, patience: float = PATIENCE) -> None:
        self._server = server
        self._prompt = patience
        self._longest = max(patience, LONGEST)
        self._serves = asyncio.Event()
        self._serves.set()
        self._watcher: asyncio.Task[None] | None = None
        self._probes: set[asyncio.Task[None]] = set()
        self._back_at = -_RELAPSE_SECONDS
        self._relapsed = False
        self.health = Health.OK

    @property
    def open(self) -> bool:
        """Whether this process keeps its own books just now."""
        return self._server is None or self.health not in _SERVES

    async def attempt(self, answer: asyncio.Future[Answer]) -> Answer:
        """Return the answer. Raises one of ``AWAY`` where there is none in time, and opens the circuit."""
        try:
            async with lag.timeout(self._longest if self.health is Health.SLOW else self._prompt):
                return await answer
        except TimeoutError as error:
            if answer.done() and not answer.cancelled() and answer.exception() is None:
                return answer.result()  # it came at the last moment
            self._open(error)
            raise
        except AWAY as error:
            self._open(error)
            raise

    async def look(self) -> Health:
        """Return how Redis answers now; while the circuit is open, as the probe found it last."""
        if self._server is not None and self._watcher is None:
            found = await self._look(self._server)
            if found is not Health.OK and self._watcher is None:
                self._become(found)
                self._watch(self._server)
        return self.health

    async def closed(self) -> None:
        """Return when Redis is asked again."""
        await self._serves.wait()

    async def close(self) -> None:
        """Stop probing."""
        for task in (self._watcher, *self._probes):
            while task is not None and not task.done():
                task.cancel()  # again and again: the client may turn one that meets a lost connection into an error
                await asyncio.wait((task,), timeout=_PROBE_PAUSE)

    def _open(self, error: Exception) -> None:
        if self._server is None or self.open:
            return
        self._relapsed = time.monotonic() - self._back_at < _RELAPSE_SECONDS
        self._become(_health_of(error), type(error).__name__)
        self._watch(self._server)

    def _watch(self, server: Server) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
        self._watcher = asyncio.create_task(self._wait_until_prompt(server))

    async def _wait_until_prompt(self, server: Server) -> None:
        prompt = 0
        while True:
            if self.open:
                with suppress(*AWAY):
                    await server.start_afresh()
            found = await self._look(server)
            prompt = prompt + 1 if found is Health.OK else 0
            if found is Health.OK and prompt < _STEADY and (self.health is Health.SLOW or self._relapsed):
                found = Health.SLOW
            self._become(found)
            if found is Health.OK:
                break
            await asyncio.sleep(_PROBE_PAUSE if self.open else _SLOW_PAUSE)
        self._relapsed = False
        self._watcher = None

    async def _look(self, server: Server) -> Health:
        # A probe that was not answered in time is left to the client's own limit: a connection that needs
        # longer than that to open serves the next probe. The next one does not wait for it.
        probe = asyncio.create_task(server.probe())
        self._probes.add(probe)
        probe.add_done_callback(self._forget)
        for found, seconds in ((Health.OK, self._prompt), (Health.SLOW, self._longest - self._prompt)):
            with suppress(TimeoutError):
                async with lag.timeout(seconds):
                    await asyncio.wait((probe,))
            if probe.done():
                error = probe.exception()
                return found if error is None else _health_of(error)
        return Health.AWAY

    def _forget(self, probe: "asyncio.Task[None]") -> None:
        self._probes.discard(probe)
        if not probe.cancelled():
            probe.exception()  # its waiter has seen the error

    def _become(self, health: Health, error: str | None = None) -> None:
        before, self.health = self.health, health
        if health is before:
            return
        if health in _SERVES:
            self._serves.set()
            if before not in _SERVES:
                self._back_at = time.monotonic()
                _log.info("redis available again", health=health)
                if self._server is not None:
                    self._server.resume()
            elif health is Health.SLOW:
                _log.info("redis slow")
        else:
            self._serves.clear()
            _log.warning("redis unavailable", health=health, error=error)


def _health_of(error: BaseException) -> Health:
    return Health.REFUSING if isinstance(error, ResponseError) else Health.AWAY
