from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query

from billing.webhook_events import service as webhook_events
from billing.webhook_events.permissions import Action
from billing.webhook_events.schemas import WebhookEventList, WebhookEventRead
from insula.core.errors import NotFound
from insula.core.paging import OffsetPage
from insula.http.responses.problems import problems
from insula.http.routing.guards import allow_staff
from insula.http.routing.route import TenantRoute
from insula.scope import StaffScope

router = APIRouter(prefix="/webhook-events", tags=["webhooks"], route_class=TenantRoute)


@router.get("", summary="List webhook events")
async def list_webhook_events(
    params: Annotated[WebhookEventList, Query()], scope: Annotated[StaffScope, allow_staff(Action.READ)]
) -> OffsetPage[WebhookEventRead]:
    """List the payment provider's events, newest first, without payloads; `status=dead` shows the dead letters."""
    rows, total = await webhook_events.listing(scope, params)
    items = [WebhookEventRead.model_validate(row) for row in rows]
    return OffsetPage[WebhookEventRead](items=items, total=total, skip=params.skip, limit=params.limit)


@router.post("/{event_id}/replay", status_code=202, summary="Replay a webhook event", responses=problems(NotFound))
async def replay_webhook_event(
    event_id: Annotated[UUID, Path(description="The event's own id, not the provider's.")],
    scope: Annotated[StaffScope, allow_staff(Action.REPLAY)],
) -> WebhookEventRead:
    """Give a dead or quarantined event another round of attempts, the first within seconds.

    An event that is pending or handled stays as it is.
    """
    return WebhookEventRead.model_validate(await webhook_events.replay(scope, event_id))
