from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from billing.plans.models import Plan
from billing.webhooks.models import STRIPE, BillingCustomer, WebhookEvent
from billing.webhooks.provider_events import ProviderEvent, ProviderPrice
from insula.core.ids import TenantId


async def plans_sold_at(session: AsyncSession, prices: Collection[ProviderPrice]) -> Sequence[Plan]:
    """Return the plans with one of these prices, by id or by lookup key."""
    by_id = col(Plan.provider_price_id).in_([price.id for price in prices])
    by_key = col(Plan.lookup_key).in_([price.lookup_key for price in prices if price.lookup_key is not None])
    return (await session.exec(select(Plan).where(by_id | by_key))).all()


async def tenant_of_customer(session: AsyncSession, provider: str, customer: str) -> TenantId | None:
    """Return the tenant of this customer by our own mapping."""
    statement = select(BillingCustomer.tenant_id).where(
        BillingCustomer.provider == provider, BillingCustomer.provider_customer_id == customer
    )
    found = (await session.exec(statement)).one_or_none()
    return None if found is None else TenantId(found)


async def locked_event(session: AsyncSession, event_row: UUID) -> WebhookEvent | None:
    """Return the event, locked, or None if it is no longer pending or another process has locked it."""
    statement = (
        select(WebhookEvent)
        .where(col(WebhookEvent.id) == event_row, col(WebhookEvent.status) == "pending")
        .with_for_update(skip_locked=True)
    )
    return (await session.exec(statement)).one_or_none()


async def events_of_second(session: AsyncSession, event: ProviderEvent) -> Sequence[ProviderEvent]:
    """Return the event and the handled events of its type, second and subscription, in the order of their arrival."""
    payload = col(WebhookEvent.payload)
    statement = (
        select(WebhookEvent.payload)
        .where(
            col(WebhookEvent.provider) == STRIPE,
            col(WebhookEvent.customer) == event.customer,
            col(WebhookEvent.type) == event.type,
            (col(WebhookEvent.status) == "handled") | (col(WebhookEvent.event_id) == event.id),
            payload["created"].as_integer() == event.created,
            payload["data"]["object"]["id"].as_string() == event.subject.get("id"),
        )
        .order_by(col(WebhookEvent.received_at), col(WebhookEvent.id))
    )
    return [ProviderEvent.model_validate(found) for found in (await session.exec(statement)).all()]


async def due_events(session: AsyncSession, now: datetime, limit: int) -> Sequence[WebhookEvent]:
    """Return pending events whose next attempt is due, locked; events that another process has locked are skipped."""
    statement = (
        select(WebhookEvent)
        .where(col(WebhookEvent.status) == "pending", col(WebhookEvent.next_attempt_at) <= now)
        .order_by(col(WebhookEvent.next_attempt_at), col(WebhookEvent.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.exec(statement)).all()
