"""Retries events in the inbox: those whose process died, those that failed, and those released from quarantine."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col, select

from billing.database import BILLING
from billing.webhooks import inbox, queries
from billing.webhooks.models import BillingCustomer, WebhookEvent
from insula.core import clock
from insula.db.engine.pools import Database
from insula.db.engine.unit import Unit

_BATCH: Final = 20


async def sweep(database: Database) -> int:
    """Try each due event again, and return how many were tried. Concurrent sweeps are safe."""
    async with database.unit(BILLING) as unit:
        await _release_quarantine(unit)
    tried = 0
    while claimed := await _claim(database):
        for event_row in claimed:
            await inbox.handle(database, event_row)
        tried += len(claimed)
    return tried


async def _release_quarantine(unit: Unit) -> None:
    """Set quarantined events back to pending if their customer is known now."""
    known = select(BillingCustomer.id).where(
        col(BillingCustomer.provider) == col(WebhookEvent.provider),
        col(BillingCustomer.provider_customer_id) == col(WebhookEvent.customer),
    )
    released = update(WebhookEvent).where(col(WebhookEvent.status) == "quarantined", known.exists())
    await unit.session.exec(released.values(status="pending", attempts=0, next_attempt_at=clock.now(), error=None))


async def _claim(database: Database) -> Sequence[UUID]:
    """Claim one batch of due events: count their next attempt. Mark an event without attempts left as dead."""
    now = clock.now()
    claimed: list[UUID] = []
    async with database.unit(BILLING) as unit:
        for row in await queries.due_events(unit.session, now, _BATCH):
            if row.attempts >= inbox.MAX_ATTEMPTS:
                row.status = "dead"
                continue
            row.attempts += 1
            row.next_attempt_at = now + inbox.wait_after(row.attempts)
            claimed.append(row.id)
    return claimed
