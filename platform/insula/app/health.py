"""Whether this process can serve: what it needs, what it can do without, and how each is."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from insula import clock, lag
from insula.db.branches import Branch, behind, heads
from insula.db.failures import UNREACHABLE
from insula.db.pools import Database, Trouble
from insula.db.revisions import applied
from insula.db.roles import GATE, DatabaseRole
from insula.db.skew import described, skew
from insula.http.kernel import Kernel
from insula.limits import Health

OK: Final = "ok"
_AWAY: Final = "away"
_BUSY: Final = "busy"
_LATE: Final = "late"
_SERVES_WELL: Final = (OK, Health.SLOW.value)  # slow Redis still counts exactly
_SECONDS_KEPT = 1.0  # anybody may ask: one look a second serves them all
_SECONDS_WAITED = 3.0
LAG_SECONDS: Final = 10.0
"""The event loop's lag is told of this long."""
LAG_DEGRADED: Final = 1.0
"""A loop so late adds more to an answer than our time limits leave room for."""

Status = Literal["ready", "degraded", "unready"]


class Readiness(BaseModel):
    """Whether this process can serve."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "status": "ready",
                    "checks": {"database": "ok", "migrations": "ok", "redis": "ok", "event_loop": "ok", "clock": "ok"},
                    "loop_lag_seconds": 0.003,
                }
            ]
        }
    )

    status: Status = Field(description="degraded: it serves, but something that a check names is wrong.")
    checks: dict[str, str] = Field(description="Each thing that is needed: ok, or what is wrong with it.")
    loop_lag_seconds: float = Field(
        description=f"By how much this process's event loop ran late at most, in the last {LAG_SECONDS:.0f} seconds."
    )


class Watch:
    """Looks at what a kernel needs, at most once a second however many ask."""

    def __init__(self) -> None:
        self._looks = _Looks()
        self._lock = asyncio.Lock()
        self._seen: Readiness | None = None
        self._looked_at = 0.0

    async def look(self, kernel: Kernel) -> Readiness:
        """Return how it is, as of a second ago at most."""
        async with self._lock:
            # Not after the clock went back either: what was seen then may be long past.
            if self._seen is None or not 0 <= clock.timestamp() - self._looked_at < _SECONDS_KEPT:
                self._seen = await _look(kernel, self._looks)
                self._looked_at = clock.timestamp()
            return self._seen


class _Looks:
    """What is asked of the database. A look that takes its time goes on by itself, and ends by itself."""

    def __init__(self) -> None:
        self._pools: asyncio.Task[Mapping[DatabaseRole, Trouble]] | None = None
        self._revisions: asyncio.Task[tuple[frozenset[str] | None, float | None]] | None = None

    async def look(self, database: Database) -> tuple[str, frozenset[str] | None, float | None]:
        """Return how the pools are, the schema's revisions, and how far our clock is ahead of the database's.

        The pools: ok, or which roles' cannot serve; away where that is not known in time. None for what is not known.
        """
        if self._pools is None or self._pools.done():
            self._pools = asyncio.create_task(database.unable())
        if self._revisions is None or self._revisions.done():
            self._revisions = asyncio.create_task(_revisions(database))
        with suppress(TimeoutError):
            async with lag.timeout(_SECONDS_WAITED):
                await asyncio.wait({self._pools, self._revisions})
        pools = _told(self._pools.result()) if self._pools.done() else _AWAY
        return pools, *(self._revisions.result() if self._revisions.done() else (None, None))


def _told(unable: Mapping[DatabaseRole, Trouble]) -> str:
    worst = _AWAY if _AWAY in unable.values() else _BUSY
    return f"{worst}: {', '.join(unable)}" if unable else OK


async def _look(kernel: Kernel, looks: _Looks) -> Readiness:
    (pools, revisions, ahead), redis = await asyncio.gather(looks.look(kernel.database), kernel.limits.look())
    late = kernel.lag.worst(within=LAG_SECONDS)
    checks = {
        "database": _AWAY if revisions is None else pools,
        "migrations": await _migrations(revisions, kernel.branches),
        "redis": redis.value,
        "event_loop": _LATE if late >= LAG_DEGRADED else OK,
        "clock": _clock(ahead, kernel.settings.auth.leeway_seconds),
    }
    status: Status = "ready" if all(found in _SERVES_WELL for found in checks.values()) else "degraded"
    if checks["database"].startswith(_AWAY) or checks["migrations"] != OK:
        status = "unready"
    return Readiness(status=status, checks=checks, loop_lag_seconds=round(late, 3))


async def _revisions(database: Database) -> tuple[frozenset[str] | None, float | None]:
    """Return the database's revisions, and how far our clock is ahead of its clock; None where it does not answer."""
    try:
        async with database.engine(GATE).connect() as connection:
            return await connection.run_sync(applied), await skew(connection)
    except UNREACHABLE:
        return None, None


def _clock(ahead: float | None, leeway: int) -> str:
    if ahead is None:
        return "unknown"
    return OK if abs(ahead) <= leeway else described(ahead)


async def _migrations(found: frozenset[str] | None, expected: tuple[Branch, ...]) -> str:
    if found is None:
        return "unknown"
    # A database that is ahead belongs to the next version, which this one gets along with.
    return "pending" if behind(found, await asyncio.to_thread(_heads, expected)) else OK


@lru_cache(maxsize=1)
def _heads(expected: tuple[Branch, ...]) -> Mapping[str, str]:
    return heads(expected)
