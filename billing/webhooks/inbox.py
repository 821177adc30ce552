"""The inbox of webhooks: stored once, then applied and marked handled in one transaction.

Each attempt is counted before it begins: when the event is stored, or when the sweeper claims it. So an event that
kills its process is tried a limited number of times, too.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from pydantic import JsonValue, TypeAdapter, ValidationError
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from billing.database import BILLING
from billing.webhooks import queries
from billing.webhooks.errors import EventMalformed, EventOfOtherMode
from billing.webhooks.models import STRIPE, WebhookEvent
from billing.webhooks.provider_events import SUBSCRIPTION_EVENTS, ProviderEvent
from billing.webhooks.subscription_events import apply_subscription_event
from insula.core import clock
from insula.db.engine.pools import Database
from insula.db.engine.unit import Unit

MAX_ATTEMPTS: Final = 8
_MAX_ERROR: Final = 500
_FIRST_WAIT: Final = timedelta(seconds=30)
_LONGEST_WAIT: Final = timedelta(hours=1)

_JSON_OBJECT: Final = TypeAdapter(dict[str, JsonValue])
_log: Final = structlog.get_logger(__name__)


def wait_after(attempts: int) -> timedelta:
    """Return how long an event waits after its ``attempts``-th attempt."""
    return min(_FIRST_WAIT * (1 << (attempts - 1)), _LONGEST_WAIT)


async def receive(database: Database, payload: object, *, live_mode: bool) -> None:
    """Store the event once, however often it is delivered, then try to apply it.

    A failure to apply it is recorded on the event and left to the sweeper.
    Raises EventMalformed and EventOfOtherMode.
    """
    event = _read(payload)
    if event.livemode != live_mode:
        raise EventOfOtherMode
    async with database.unit(BILLING) as unit:
        stored = await _store(unit, event, _JSON_OBJECT.validate_python(payload))
    if stored is not None:
        await handle(database, stored)


async def handle(database: Database, event_row: UUID) -> None:
    """Apply a pending event and mark it handled in one transaction; record a failure on the event."""
    try:
        async with database.unit(BILLING) as unit:
            await _finish(unit, event_row)
    except Exception as error:  # noqa: BLE001 - an event must never stop others, whatever is wrong with it
        _log.warning("webhook event failed", event_row=str(event_row), error=type(error).__name__)
        await _record_failure(database, event_row, error)


def _read(payload: object) -> ProviderEvent:
    try:
        return ProviderEvent.model_validate(payload)
    except ValidationError:
        raise EventMalformed from None


async def _store(unit: Unit, event: ProviderEvent, payload: dict[str, JsonValue]) -> UUID | None:
    now = clock.now()
    row = WebhookEvent(
        provider=STRIPE,
        event_id=event.id,
        type=event.type,
        customer=event.customer,
        payload=payload,
        status="pending",
        attempts=1,
        next_attempt_at=now + wait_after(1),
        received_at=now,
    )
    statement = (
        insert(WebhookEvent)
        .values(row.model_dump())
        .on_conflict_do_nothing(index_elements=["provider", "event_id"])
        .returning(col(WebhookEvent.id))
    )
    stored: UUID | None = (await unit.session.exec(statement)).scalar_one_or_none()
    return stored


async def _finish(unit: Unit, event_row: UUID) -> None:
    row = await queries.locked_event(unit.session, event_row)
    if row is None:
        return
    if row.type in SUBSCRIPTION_EVENTS and not await _apply(unit, row):
        row.status, row.error = "quarantined", "The customer belongs to no tenant"
        return
    row.status, row.error, row.handled_at = "handled", None, clock.now()


async def _apply(unit: Unit, row: WebhookEvent) -> bool:
    """Apply a subscription event to the tenant of its customer; return False if no tenant has this customer."""
    customer = row.customer
    tenant_id = None if customer is None else await queries.tenant_of_customer(unit.session, row.provider, customer)
    if tenant_id is None:
        return False
    row.tenant_id = tenant_id
    await unit.session.flush()
    await unit.enter(tenant_id)
    await apply_subscription_event(unit, tenant_id, ProviderEvent.model_validate(row.payload))
    return True


async def _record_failure(database: Database, event_row: UUID, error: Exception) -> None:
    async with database.unit(BILLING) as unit:
        row = await queries.locked_event(unit.session, event_row)
        if row is None:
            return
        row.error = f"{type(error).__name__}: {error}"[:_MAX_ERROR].replace("\0", "")
        if row.attempts >= MAX_ATTEMPTS:
            row.status = "dead"
