"""What staff see of the audit log: everybody's."""

from admin.queries import audit as queries
from admin.schemas.audit import AuditEventList
from insula.db.models import AuditEvent
from insula.http.paging import Slice
from insula.scope import StaffScope


async def page(scope: StaffScope, params: AuditEventList) -> Slice[AuditEvent]:
    """Return one page of the acts."""
    return await queries.page(scope.unit.session, params)
