"""A circuit breaker for Redis.

A request to Redis waits at most ``patience``. The first one that times out opens the circuit: from then on each
process counts by itself, and only a probe in the background asks Redis. If Redis answers the probe late, but within
a second, requests go to it again and wait up to a second. If it is silent or refuses writes, the circuit stays open
until it answers. Timeouts take the lateness of the event loop into account, so a process that runs late itself does
not mistake Redis for silent.
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
"""If Redis takes longer than this to answer, it is away."""
AWAY: Final = (RedisError, OSError, TimeoutError)
_PROBE_PAUSE: Final = 0.25
_SLOW_PAUSE: Final = 1.0
_STEADY: Final = 5
"""After this many prompt answers in a row, Redis is no longer slow."""
_RELAPSE_SECONDS: Final = 5.0
"""If Redis is late again within this time, it is slow, even if it answers the probe promptly."""

Answer = TypeVar("Answer")
_log = structlog.stdlib.get_logger(__name__)


class Health(StrEnum):
    """The state of Redis, as ``/readyz`` shows it."""

    OK = "ok"
    SLOW = "slow"
    REFUSING = "refuses writes"
    AWAY = "away"


_SERVES: Final = (Health.OK, Health.SLOW)


class Server(Protocol):
    """A Redis server."""

    async def probe(self) -> None:
        """Return once it has accepted a write."""

    async def reconnect(self) -> None:
        """Abandon connections that may be dead."""

    def resume(self) -> None:
        """Send what was postponed: the server answers again."""


class Circuit:
    """The circuit of one Redis, shared by all requests to it. Without a server it is always open."""

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
        """Whether this process counts by itself now."""
        return self._server is None or self.health not in _SERVES

    async def attempt(self, answer: asyncio.Future[Answer]) -> Answer:
        """Return the answer. If there is none in time, open the circuit and raise one of ``AWAY``."""
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

    async def check(self) -> Health:
        """Return the state of Redis now; while the circuit is open, the probe's last finding."""
        if self._server is not None and self._watcher is None:
            found = await self._probe(self._server)
            if found is not Health.OK and self._watcher is None:
                self._become(found)
                self._watch(self._server)
        return self.health

    async def wait_until_closed(self) -> None:
        """Return once requests go to Redis again."""
        await self._serves.wait()

    async def close(self) -> None:
        """Stop probing."""
        for task in (self._watcher, *self._probes):
            while task is not None and not task.done():
                task.cancel()  # repeatedly: when its connection is lost, the client may turn this into an error
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
                    await server.reconnect()
            found = await self._probe(server)
            prompt = prompt + 1 if found is Health.OK else 0
            if found is Health.OK and prompt < _STEADY and (self.health is Health.SLOW or self._relapsed):
                found = Health.SLOW
            self._become(found)
            if found is Health.OK:
                break
            await asyncio.sleep(_PROBE_PAUSE if self.open else _SLOW_PAUSE)
        self._relapsed = False
        self._watcher = None

    async def _probe(self, server: Server) -> Health:
        # A probe that times out here runs on until the client's own timeout: if its connection opens late, the next
        # probe can use it. The next probe does not wait for this one.
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
            probe.exception()  # mark the error as retrieved

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
