"""The audit logs of all tenants and of the platform, for staff."""

from admin.audit import queries
from admin.audit.schemas import AuditEventList
from insula.core.paging import Slice
from insula.db.models import AuditEvent
from insula.scope import StaffScope


async def page(scope: StaffScope, params: AuditEventList) -> Slice[AuditEvent]:
    """Return one page of the events."""
    return await queries.page(scope.unit.session, params)
