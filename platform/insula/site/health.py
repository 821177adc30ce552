"""Readiness: whether this process can serve, and the state of each dependency."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from insula.core import clock, lag
from insula.db.engine.failures import UNREACHABLE
from insula.db.engine.pools import Database, Trouble, trouble_of
from insula.db.engine.roles import GATE, DatabaseRole
from insula.db.engine.skew import described, skew
from insula.db.migrate.revisions import applied
from insula.db.schema.branches import Branch, behind, heads
from insula.http.kernel import Kernel
from insula.limits import Health

OK: Final = "ok"
_AWAY: Final = "away"
_BUSY: Final = "busy"
_LATE: Final = "late"
_PENDING: Final = "pending"
_SERVES_WELL: Final = (OK, Health.SLOW.value)  # slow Redis still counts exactly
_SECONDS_KEPT = 0.5  # the route is public, so all callers share two checks a second
_SECONDS_WAITED = 3.0
LAG_SECONDS: Final = 10.0
"""The period over which the event loop's lag is reported."""
LAG_DEGRADED: Final = 1.0
"""If the loop runs so many seconds late, the process counts as degraded: responses miss their deadlines."""

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
    checks: dict[str, str] = Field(description="Each dependency: ok, or what is wrong with it.")
    loop_lag_seconds: float = Field(
        description=f"The longest delay of this process's event loop in the last {LAG_SECONDS:.0f} seconds."
    )


class ReadinessCheck:
    """Checks a kernel's dependencies, at most twice a second for all callers."""

    def __init__(self) -> None:
        self._database = _DatabaseChecks()
        self._lock = asyncio.Lock()
        self._last: Readiness | None = None
        self._checked_at = 0.0

    async def run(self, kernel: Kernel) -> Readiness:
        """Return the readiness, at most half a second old."""
        async with self._lock:
            # Do not reuse it if the clock went back either: it may be old.
            if self._last is None or not 0 <= clock.timestamp() - self._checked_at < _SECONDS_KEPT:
                self._last = await _check(kernel, self._database)
                self._checked_at = clock.timestamp()
            return self._last


class _Answers(NamedTuple):
    """The database's answers, or why there are none."""

    revisions: frozenset[str] | None
    ahead: float | None
    """The seconds by which our clock is ahead of the database's."""
    trouble: Trouble | None


class _DatabaseChecks:
    """Checks the database. A slow check continues in the background until it ends."""

    def __init__(self) -> None:
        self._pools: dict[DatabaseRole, asyncio.Task[Trouble | None]] = {}
        self._asked: asyncio.Task[_Answers] | None = None

    async def run(self, database: Database) -> tuple[str, _Answers]:
        """Return the state of the pools ("ok", or the roles whose pools cannot serve), and the database's answers.

        A pool that does not answer in time counts as "away".
        """
        for role in database.roles:
            if role not in self._pools or self._pools[role].done():
                self._pools[role] = asyncio.create_task(database.trouble(role))
        if self._asked is None or self._asked.done():
            self._asked = asyncio.create_task(_ask(database))
        with suppress(TimeoutError):
            async with lag.timeout(_SECONDS_WAITED):
                await asyncio.wait({*self._pools.values(), self._asked})
        answers = self._asked.result() if self._asked.done() else _Answers(None, None, _AWAY)
        pools = {role: check.result() if check.done() else _AWAY for role, check in self._pools.items()}
        pools[GATE] = pools[GATE] or answers.trouble
        return _summary(pools), answers


def _summary(pools: Mapping[DatabaseRole, Trouble | None]) -> str:
    if all(trouble == _AWAY for trouble in pools.values()):
        return _AWAY
    unable = {role: trouble for role, trouble in pools.items() if trouble is not None}
    worst = _AWAY if _AWAY in unable.values() else _BUSY
    return f"{worst}: {', '.join(unable)}" if unable else OK


async def _check(kernel: Kernel, database: _DatabaseChecks) -> Readiness:
    (pools, answers), redis = await asyncio.gather(database.run(kernel.database), kernel.limits.check_redis())
    late = kernel.lag.worst(within=LAG_SECONDS)
    checks = {
        "database": pools,
        "migrations": await _migrations(answers.revisions, kernel.branches),
        "redis": redis.value,
        "event_loop": _LATE if late >= LAG_DEGRADED else OK,
        "clock": _clock(answers.ahead, kernel.settings.auth.leeway_seconds),
    }
    status: Status = "ready" if all(found in _SERVES_WELL for found in checks.values()) else "degraded"
    if checks["database"].startswith(_AWAY) or checks["migrations"] == _PENDING:
        status = "unready"
    return Readiness(status=status, checks=checks, loop_lag_seconds=round(late, 3))


async def _ask(database: Database) -> _Answers:
    try:
        async with database.engine(GATE).connect() as connection:
            return _Answers(await connection.run_sync(applied), await skew(connection), None)
    except UNREACHABLE as error:
        return _Answers(None, None, trouble_of(error))


def _clock(ahead: float | None, leeway: int) -> str:
    if ahead is None:
        return "unknown"
    return OK if abs(ahead) <= leeway else described(ahead)


async def _migrations(found: frozenset[str] | None, expected: tuple[Branch, ...]) -> str:
    if found is None:
        return "unknown"
    # A database that is ahead belongs to the next version; this version works with its schema.
    return _PENDING if behind(found, await asyncio.to_thread(_heads, expected)) else OK


@lru_cache(maxsize=1)
def _heads(expected: tuple[Branch, ...]) -> Mapping[str, str]:
    return heads(expected)
