from typing import Annotated

from fastapi import APIRouter, Query

from admin.audit import service
from admin.audit.permissions import Action
from admin.audit.schemas import AuditEventList, AuditEventRead
from insula.core.paging import InvalidCursor, Page
from insula.http.responses.problems import problems
from insula.http.routing.guards import allow_staff
from insula.http.routing.route import TenantRoute
from insula.scope import StaffScope

router = APIRouter(prefix="/audit-events", tags=["audit"], route_class=TenantRoute)


@router.get("", summary="Search the audit log", responses=problems(InvalidCursor))
async def list_audit_events(
    params: Annotated[AuditEventList, Query()], scope: Annotated[StaffScope, allow_staff(Action.READ)]
) -> Page[AuditEventRead]:
    """List the acts in all tenants and on the platform, newest first."""
    return (await service.page(scope, params)).page(AuditEventRead.of)
