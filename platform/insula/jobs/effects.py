"""Effects of jobs. One in the database happens once; one outside it, such as an email, at most twice.

No transaction spans PostgreSQL and another system. So each attempt is claimed, in a committed
transaction of its own, right before its effect can happen, and marked as done right after. A claim
without a mark means that the outcome is unknown: the worker was killed, or the connection was lost.
Then it is attempted once more, under a second claim, and never a third time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Final

import structlog
from sqlalchemy import delete, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from insula.core import clock
from insula.db.engine.failures import UNREACHABLE
from insula.db.engine.roles import WORKER
from insula.db.engine.unit import Unit
from insula.db.models import JobEffect
from insula.jobs.context import NO_TENANT, ClaimEffect, JobContext

_MOST: Final = 2
_PATIENCE: Final = 30.0
_PAUSE: Final = 0.25
_FAILURES: Final = text("SELECT count(*) FROM jobs.procrastinate_events WHERE job_id = :job_id AND type = 'failed'")

_log: Final = structlog.get_logger(__name__)


class NotAccepted(Exception):
    """The other system refused: the effect has certainly not happened."""


class OutcomeUnknown(Exception):
    """The job's last allowed attempt ended without an answer."""


class ClaimTaken(Exception):
    """Another run of this job makes the attempt."""


async def effect_once(unit: Unit, key: str) -> bool:
    """Record the effect named ``key`` in this transaction, and return whether it is the first with this key.

    If two runs of one job do so, the second waits for the first, and gets True only if the first rolls back.
    """
    noted = (
        insert(JobEffect)
        .values(tenant_id=unit.tenant_id or NO_TENANT, key=key, created_at=clock.now())
        .on_conflict_do_nothing()
    )
    return (await (await unit.session.connection()).execute(noted)).rowcount == 1


async def external_effect(context: JobContext, key: str, attempt: Callable[[ClaimEffect], Awaitable[None]]) -> None:
    """Run ``attempt`` for the effect named ``key``, unless it is marked as done.

    ``attempt`` awaits its claim right before the effect can happen, returns after it has happened, and
    raises NotAccepted if it certainly has not. After any other error the claim stays. No transaction
    is open meanwhile. Raises OutcomeUnknown if both claims exist without a mark. A failed job that staff
    run again gets two new claims.
    """
    claims = await _open_claims(context, key)
    if claims is None:
        return
    if not claims:
        _log.error("effect given up", reason="its outcome is unknown", key=key)
        raise OutcomeUnknown
    claimed = False

    async def claim() -> None:
        nonlocal claimed
        async with context.unit() as unit:
            if not await effect_once(unit, claims[0]):
                raise ClaimTaken
        claimed = True

    try:
        await attempt(claim)
    except NotAccepted:
        await _write_outcome(context, lambda unit: _release(unit, claims[:1]))
        raise
    except BaseException as error:
        if claimed:
            _log.warning("outcome unknown", key=key, error=type(error).__name__)
        raise
    await _write_outcome(context, lambda unit: _mark(unit, key))


async def _open_claims(context: JobContext, key: str) -> Sequence[str] | None:
    """Return the claims that this job may still make, or None if the effect is marked as done."""
    async with context.unit() as unit:
        failures = (await (await unit.session.connection()).execute(_FAILURES, {"job_id": context.job_id})).scalar_one()
        claims = [f"{key}#{context.job_id}.{failures}.{number}" for number in range(1, _MOST + 1)]
        mine = col(JobEffect.tenant_id) == (unit.tenant_id or NO_TENANT)
        noted = select(JobEffect.key).where(mine, col(JobEffect.key).in_([key, *claims]))
        found = frozenset((await unit.session.exec(noted)).all())
    return None if key in found else [claim for claim in claims if claim not in found]


async def _mark(unit: Unit, key: str) -> None:
    await effect_once(unit, key)


async def _release(unit: Unit, claims: Sequence[str]) -> None:
    mine = col(JobEffect.tenant_id) == (unit.tenant_id or NO_TENANT)
    await unit.session.exec(delete(JobEffect).where(mine, col(JobEffect.key).in_(claims)))


async def _write_outcome(context: JobContext, write: Callable[[Unit], Awaitable[None]]) -> None:
    """Write the outcome of an attempt. Retries if the database is briefly down; the tenant may be gone."""
    begun = monotonic()
    while True:
        try:
            async with context.database.unit(WORKER, context.tenant_id or NO_TENANT) as unit:
                await write(unit)
        except UNREACHABLE as error:
            if monotonic() - begun > _PATIENCE:
                raise
            _log.warning("outcome not written yet", error=type(error).__name__)
            await asyncio.sleep(_PAUSE)
        else:
            return
