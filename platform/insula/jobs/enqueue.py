"""Enqueue a job in a transaction: it exists if, and only if, the transaction commits."""

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


class JobOptions(TypedDict, total=False):
    """Options of a queued job. Both locks are per tenant."""

    queueing_lock: str | None  # at most one waiting job has it
    lock: str | None  # at most one running job has it
    scheduled_at: datetime | None  # the earliest time to run
    priority: int  # higher runs sooner; default 0
    queue: str  # default "default"


async def enqueue(
    unit: Unit, task: str, arguments: Mapping[str, JsonValue], *, tenant_id: UUID | None, **options: Unpack[JobOptions]
) -> int | None:
    """Add a job to the unit's transaction and return its number.

    ``tenant_id`` must be the transaction's tenant: the database refuses any other. It also refuses None,
    unless the role's declaration names the task in ``tenantless``. While a job with the same
    ``queueing_lock`` waits, adds nothing and returns None.
    """
    parameters = {
        "queue": options.get("queue", "default"),
        "task": task,
        "priority": options.get("priority", 0),
        "lock": _tenants_lock(tenant_id, options.get("lock")),
        "queueing_lock": _tenants_lock(tenant_id, options.get("queueing_lock")),
        "args": json.dumps({"tenant_id": None if tenant_id is None else str(tenant_id), "arguments": dict(arguments)}),
        "scheduled_at": options.get("scheduled_at"),
    }
    if options.get("queueing_lock") is None:
        return await _defer(unit, parameters)
    try:
        async with unit.session.begin_nested():
            return await _defer(unit, parameters)
    except IntegrityError as error:
        if constraint_of(error) != QUEUEING_LOCK:
            raise
        return None


def _tenants_lock(tenant_id: UUID | None, lock: str | None) -> str | None:
    """Return the lock's name, prefixed with the tenant."""
    return None if lock is None else f"{tenant_id or ''}:{lock}"


async def _defer(unit: Unit, parameters: Mapping[str, object]) -> int:
    connection = await unit.session.connection()
    numbers: list[int] = (await connection.execute(_DEFER, parameters)).scalar_one()
    return numbers[0]
