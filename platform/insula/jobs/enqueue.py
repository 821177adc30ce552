"""Enqueue a job in a transaction: it is there if, and only if, the transaction's other effects are."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final, TypedDict, Unpack
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from insula.db.engine.failures import constraint_of
from insula.db.engine.unit import Unit
from insula.db.schema.queue_rights import QUEUEING_LOCK

_DEFER: Final = text("""
SELECT jobs.procrastinate_defer_jobs_v1(ARRAY[CAST(ROW(
    CAST(:queue AS varchar), CAST(:task AS varchar), CAST(:priority AS integer), CAST(:lock AS text),
    CAST(:queueing_lock AS text), CAST(:args AS jsonb), CAST(:scheduled_at AS timestamptz)
) AS jobs.procrastinate_job_to_defer_v1)])
""")


class How(TypedDict, total=False):
    """How a job is queued. Both locks are the tenant's own."""

    queueing_lock: str | None  # of the jobs that wait, one has it
    lock: str | None  # of the jobs that run, one has it
    scheduled_at: datetime | None  # not before
    priority: int  # the higher the sooner, 0 if not given
    queue: str  # "default" if not given


async def enqueue(
    unit: Unit, task: str, arguments: Mapping[str, JsonValue], *, tenant_id: UUID | None, **how: Unpack[How]
) -> int | None:
    """Add a job to the unit's transaction and return its number.

    ``tenant_id`` is the transaction's tenant; the database refuses another's, and a job of no tenant
    unless its task is declared to need none (``insula.db.schema.queue_rights.TENANTLESS``). While a job with
    the same ``queueing_lock`` waits, nothing is added and None returned.
    """
    parameters = {
        "queue": how.get("queue", "default"),
        "task": task,
        "priority": how.get("priority", 0),
        "lock": _own(tenant_id, how.get("lock")),
        "queueing_lock": _own(tenant_id, how.get("queueing_lock")),
        "args": json.dumps({"tenant_id": None if tenant_id is None else str(tenant_id), "arguments": dict(arguments)}),
        "scheduled_at": how.get("scheduled_at"),
    }
    if how.get("queueing_lock") is None:
        return await _defer(unit, parameters)
    try:
        async with unit.session.begin_nested():
            return await _defer(unit, parameters)
    except IntegrityError as error:
        if constraint_of(error) != QUEUEING_LOCK:
            raise
        return None


def _own(tenant_id: UUID | None, lock: str | None) -> str | None:
    """Return the lock's name among those of all tenants."""
    return None if lock is None else f"{tenant_id or ''}:{lock}"


async def _defer(unit: Unit, parameters: Mapping[str, object]) -> int:
    connection = await unit.session.connection()
    numbers: list[int] = (await connection.execute(_DEFER, parameters)).scalar_one()
    return numbers[0]
