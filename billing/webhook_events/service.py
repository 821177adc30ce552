"""Staff list the events of the inbox, and replay dead and quarantined ones."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from billing.webhook_events import queries
from billing.webhook_events.acts import Act
from billing.webhook_events.schemas import WebhookEventList
from billing.webhooks.models import EventStatus, WebhookEvent
from insula.audit import record
from insula.core import clock
from insula.core.errors import NotFound
from insula.scope import StaffScope

_REPLAYABLE: Final[frozenset[EventStatus]] = frozenset({"dead", "quarantined"})


async def listing(scope: StaffScope, params: WebhookEventList) -> tuple[Sequence[WebhookEvent], int]:
    """Return one page of the inbox, without the payloads, and how many match in all."""
    return await queries.page(scope.unit.session, params)


async def replay(scope: StaffScope, event_row: UUID) -> WebhookEvent:
    """Give a dead or quarantined event another round of attempts; the next sweep makes the first.

    A pending or handled event stays as it is. Raises NotFound.
    """
    event = await queries.locked(scope.unit.session, event_row)
    if event is None:
        raise NotFound
    if event.status not in _REPLAYABLE:
        return event
    before = {"status": event.status, "attempts": event.attempts, "error": event.error}
    event.status, event.attempts, event.error, event.next_attempt_at = "pending", 0, None, clock.now()
    await scope.unit.session.flush()
    record(
        scope,
        Act.REPLAYED,
        object_type="webhook_event",
        object_id=event_row,
        before=before,
        after={"status": event.status, "attempts": event.attempts, "error": event.error},
        tenant_id=event.tenant_id,
    )
    return event
