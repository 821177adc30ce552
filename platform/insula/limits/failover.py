"""The ledger to ask: Redis while it answers in time, this process's own while it does not.

A loan waits at most ``patience`` for Redis. The first one that waits in vain opens the circuit, and
from then on nobody asks Redis but a probe in the background, until it answers. Meanwhile each
process admits up to the whole limit by itself: a tenant within its limit is never refused, and the
installation admits at most (processes + 1) x limit in any window that touches the outage.
"""

import asyncio
from contextlib import suppress

import structlog
from redis.exceptions import RedisError

from insula.limits.ledger import Grant, Loan
from insula.limits.local import LocalLedger
from insula.limits.remote import RemoteLedger

PATIENCE = 0.05
_PROBE_PATIENCE = 1.0
_PROBE_PAUSE = 0.5

_LATE = 0.01
"""Woken so much too late, it was this process that was busy, not Redis that was away: wait once more."""

_AWAY = (RedisError, OSError, TimeoutError)
_log = structlog.stdlib.get_logger(__name__)


class FailoverLedger:
    """Never raises and never waits long."""

    def __init__(self, remote: RemoteLedger | None, local: LocalLedger, patience: float = PATIENCE) -> None:
        self._remote = remote
        self._local = local
        self._patience = patience
        self._probe: asyncio.Task[None] | None = None

    @property
    def away(self) -> bool:
        """Whether this process keeps its own books just now."""
        return self._remote is None or self._probe is not None

    async def lend(self, loan: Loan, local: Loan | None = None) -> Grant:
        """Lend from whichever ledger answers; ``local`` is what to ask of this process's own, if not the same."""
        if self._remote is None or self._probe is not None:
            return self._local.lend(local or loan)
        try:
            return await _in_time(self._remote.lend(loan), self._patience)
        except _AWAY as error:
            self._open(self._remote, error)
            return self._local.lend(local or loan)

    async def close(self) -> None:
        """Stop probing and wait for what is under way."""
        if self._probe is not None:
            self._probe.cancel()
            with suppress(asyncio.CancelledError):
                await self._probe
        if self._remote is not None:
            await self._remote.close()

    def _open(self, remote: RemoteLedger, error: Exception) -> None:
        if self._probe is None:
            _log.warning("limits_redis_away", error=type(error).__name__)
            self._probe = asyncio.create_task(self._wait_until_back(remote))

    async def _wait_until_back(self, remote: RemoteLedger) -> None:
        while not await self._answers(remote):  # noqa: ASYNC110 (the event is in another process)
            await asyncio.sleep(_PROBE_PAUSE)
        self._probe = None
        _log.info("limits_redis_back")

    async def _answers(self, remote: RemoteLedger) -> bool:
        try:
            async with asyncio.timeout(_PROBE_PATIENCE):
                await remote.ping()
        except _AWAY:
            return False
        return True


async def _in_time(grant: asyncio.Future[Grant], patience: float) -> Grant:
    time = asyncio.get_running_loop().time
    due = time() + patience
    try:
        await asyncio.wait((grant,), timeout=patience)
        if not grant.done() and time() > due + _LATE:
            await asyncio.wait((grant,), timeout=patience)
        if not grant.done():
            raise TimeoutError
        return grant.result()
    finally:
        grant.cancel()
