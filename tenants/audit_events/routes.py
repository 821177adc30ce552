import json
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC
from typing import Annotated, Final

from fastapi import APIRouter, Query

from insula.core.paging import InvalidCursor, Page
from insula.db.models import AuditEvent
from insula.http.responses.exports import MEDIA_TYPE, CsvResponse, prefetch
from insula.http.responses.problems import problems
from insula.http.routing.guards import allow
from insula.http.routing.route import TenantRoute
from insula.limits import LimitClass
from insula.scope import Scope
from tenants.audit_events import service as audit_events
from tenants.audit_events.permissions import Action
from tenants.audit_events.schemas import AuditEventExport, AuditEventList, AuditEventRead

router = APIRouter(tags=["audit"], route_class=TenantRoute)

COLUMNS: Final = tuple(AuditEventRead.model_fields)
_CSV: Final = {
    "description": "The events, the oldest first, after a header line. Breaks off if access is lost meanwhile.",
    "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": f"{','.join(COLUMNS)}\r\n"}},
}


@router.get("/audit-events", summary="List audit events", responses=problems(InvalidCursor))
async def list_audit_events(
    params: Annotated[AuditEventList, Query()], scope: Annotated[Scope, allow(Action.READ)]
) -> Page[AuditEventRead]:
    """List the tenant's audit events, the newest first; `search` looks into action, object and actor."""
    return (await audit_events.page(scope, params)).page(AuditEventRead.of)


@router.get(
    "/audit-events.csv",
    status_code=200,
    summary="Export audit events",
    response_class=CsvResponse,
    responses={200: _CSV},
)
async def export_audit_events(
    params: Annotated[AuditEventExport, Query()],
    scope: Annotated[Scope, allow(Action.READ, LimitClass.EXPORT)],
) -> CsvResponse:
    """Stream the tenant's log, or the events that match the filters, as CSV for a spreadsheet."""
    rows = await prefetch(_rows(audit_events.export(scope, params)))
    return CsvResponse(COLUMNS, rows, "audit-events.csv", bom=params.bom)


async def _rows(batches: AsyncIterator[Sequence[AuditEvent]]) -> AsyncIterator[Iterable[list[str]]]:
    async for batch in batches:
        yield [_cells(AuditEventRead.of(event)) for event in batch]


def _cells(event: AuditEventRead) -> list[str]:
    plain = {
        **event.model_dump(),
        "occurred_at": event.occurred_at.astimezone(UTC).isoformat(),
        "before": _json(event.before),
        "after": _json(event.after),
    }
    return ["" if plain[name] is None else str(plain[name]) for name in COLUMNS]


def _json(snapshot: object) -> str | None:
    return None if snapshot is None else json.dumps(snapshot, ensure_ascii=False)
