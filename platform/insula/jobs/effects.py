"""Effects in the database that happen once, however often a job is run. For others: ``insula.jobs.external``."""

from typing import Final
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from insula.core import clock
from insula.db.engine.unit import Unit
from insula.db.models import JobEffect

NO_TENANT: Final = UUID(int=0)
"""The partition of jobs without a tenant."""


async def effect_once(unit: Unit, key: str) -> bool:
    """Return whether the effect named ``key`` has not happened yet, and record that this transaction has it.

    Of two runs of one job the second waits for the first, and has the effect only if the first fails.
    """
    noted = (
        insert(JobEffect)
        .values(tenant_id=unit.tenant_id or NO_TENANT, key=key, created_at=clock.now())
        .on_conflict_do_nothing()
    )
    return (await (await unit.session.connection()).execute(noted)).rowcount == 1
