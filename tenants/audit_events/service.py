"""The tenant's audit log, for its owners and admins."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from insula.core.paging import Slice
from insula.db.models import AuditEvent
from insula.scope import Scope
from tenants.audit_events import queries
from tenants.audit_events.schemas import AuditEventFilter, AuditEventList

BATCH: Final = 200  # small enough that formatting it does not block the event loop


async def page(scope: Scope, params: AuditEventList) -> Slice[AuditEvent]:
    """Return one page of the tenant's log."""
    return await queries.page(scope.unit.session, params)


async def export(scope: Scope, params: AuditEventFilter) -> AsyncIterator[Sequence[AuditEvent]]:
    """Yield the tenant's log from its beginning, in batches, each read in its own transaction."""
    after = 0
    while True:
        async with scope.short_unit() as unit:
            rows = await queries.batch(unit.session, params, after, BATCH)
        if rows:
            yield rows
            after = rows[-1].sequence
        if len(rows) < BATCH:
            return
