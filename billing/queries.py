"""Every SELECT of billing."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_
from sqlalchemy.orm import defer
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from billing.events import KNOWN_STATUSES, ProviderEvent, ProviderPrice
from billing.models import STRIPE, BillingCustomer, EntitlementOverride, Plan, Subscription, WebhookEvent
from billing.schemas import WebhookEventList
from insula.db.models import Entitlement, Tenant
from insula.ids import TenantId
from insula.text.searching import containing

SUBSCRIPTIONS_OF_UNKNOWN_STATUS: Final = select(func.count(col(Subscription.status))).where(
    col(Subscription.status).not_in(sorted(KNOWN_STATUSES))
)
_NO_PAYLOAD: Final = defer(WebhookEvent.payload, raiseload=True)  # type: ignore[arg-type]  # SQLModel types it as its value


async def plans_on_offer(session: AsyncSession) -> Sequence[Plan]:
    """Return the plans that can be bought, cheapest first."""
    statement = select(Plan).where(col(Plan.active)).order_by(col(Plan.price_minor), col(Plan.key))
    return (await session.exec(statement)).all()


async def plans_sold_at(session: AsyncSession, prices: Collection[ProviderPrice]) -> Sequence[Plan]:
    """Return the plans with one of these prices, by id or by lookup key."""
    by_id = col(Plan.provider_price_id).in_([price.id for price in prices])
    by_key = col(Plan.lookup_key).in_([price.lookup_key for price in prices if price.lookup_key is not None])
    return (await session.exec(select(Plan).where(by_id | by_key))).all()


async def subscriptions(session: AsyncSession, tenant_id: TenantId) -> Sequence[Subscription]:
    """Return all that the tenant has and had."""
    return (await session.exec(select(Subscription).where(col(Subscription.tenant_id) == tenant_id))).all()


async def entitlements(session: AsyncSession, tenant_id: TenantId) -> Sequence[Entitlement]:
    """Return what the tenant is granted now, sorted by key."""
    statement = select(Entitlement).where(col(Entitlement.tenant_id) == tenant_id).order_by(col(Entitlement.key))
    return (await session.exec(statement)).all()


async def entitlement_keys(session: AsyncSession) -> Sequence[str]:
    """Return the keys that any plan names."""
    return (await session.exec(select(func.jsonb_object_keys(Plan.entitlements)).distinct())).all()


async def overrides(session: AsyncSession, tenant_id: TenantId, now: datetime | None) -> Sequence[EntitlementOverride]:
    """Return the tenant's overrides by key; with ``now`` those that have not expired by then."""
    statement = select(EntitlementOverride).where(col(EntitlementOverride.tenant_id) == tenant_id)
    if now is not None:
        expires_at = col(EntitlementOverride.expires_at)
        statement = statement.where(expires_at.is_(None) | (expires_at > now))
    return (await session.exec(statement.order_by(col(EntitlementOverride.key)))).all()


async def override(session: AsyncSession, tenant_id: TenantId, key: str) -> EntitlementOverride | None:
    """Return the tenant's override of one entitlement, expired or not."""
    statement = select(EntitlementOverride).where(
        col(EntitlementOverride.tenant_id) == tenant_id, col(EntitlementOverride.key) == key
    )
    return (await session.exec(statement)).one_or_none()


async def tenants_with_expired_overrides(session: AsyncSession, now: datetime) -> Sequence[UUID]:
    """Return whose overrides have expired; the session may see all tenants' overrides."""
    statement = select(EntitlementOverride.tenant_id).where(col(EntitlementOverride.expires_at) <= now).distinct()
    return (await session.exec(statement)).all()


async def locked_tenant(session: AsyncSession, tenant_id: TenantId) -> Tenant:
    """Return the tenant, whose plan nobody else changes until this transaction ends."""
    return (await session.exec(select(Tenant).where(Tenant.id == tenant_id).with_for_update(key_share=True))).one()


async def tenant_of_customer(session: AsyncSession, provider: str, customer: str) -> TenantId | None:
    """Return whose customer this is by our own mapping."""
    statement = select(BillingCustomer.tenant_id).where(
        BillingCustomer.provider == provider, BillingCustomer.provider_customer_id == customer
    )
    found = (await session.exec(statement)).one_or_none()
    return None if found is None else TenantId(found)


async def locked_event(session: AsyncSession, event_row: UUID) -> WebhookEvent | None:
    """Return the event, locked, or None when it is done with or in other hands."""
    statement = (
        select(WebhookEvent)
        .where(col(WebhookEvent.id) == event_row, col(WebhookEvent.status) == "pending")
        .with_for_update(skip_locked=True)
    )
    return (await session.exec(statement)).one_or_none()


async def events_of_second(session: AsyncSession, event: ProviderEvent) -> Sequence[ProviderEvent]:
    """Return the event and the handled ones of its type, second and subscription, in the order of their arrival."""
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
    """Return pending events whose next attempt is due, locked, leaving out those in other hands."""
    statement = (
        select(WebhookEvent)
        .where(col(WebhookEvent.status) == "pending", col(WebhookEvent.next_attempt_at) <= now)
        .order_by(col(WebhookEvent.next_attempt_at), col(WebhookEvent.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.exec(statement)).all()


async def webhook_events(session: AsyncSession, params: WebhookEventList) -> tuple[Sequence[WebhookEvent], int]:
    """Return one page of the inbox, without the payloads, and how many match in all."""
    found = _inbox(params)
    total = (await session.exec(select(func.count(col(WebhookEvent.id))).where(*found))).one()
    column = {"received_at": col(WebhookEvent.received_at)}[params.sort_field]
    identity = col(WebhookEvent.id)
    order = (column.desc(), identity.desc()) if params.descending else (column, identity)
    rows = select(WebhookEvent).where(*found).order_by(*order).options(_NO_PAYLOAD)
    return (await session.exec(rows.offset(params.skip).limit(params.limit))).all(), total


async def locked_webhook_event(session: AsyncSession, event_row: UUID) -> WebhookEvent | None:
    """Return the event without its payload, locked."""
    statement = select(WebhookEvent).where(col(WebhookEvent.id) == event_row).options(_NO_PAYLOAD)
    return (await session.exec(statement.with_for_update())).one_or_none()


def _inbox(params: WebhookEventList) -> list[ColumnElement[bool]]:
    wanted = {
        col(WebhookEvent.status): params.status,
        col(WebhookEvent.type): params.type,
        col(WebhookEvent.tenant_id): params.tenant_id,
    }
    found = [column == value for column, value in wanted.items() if value is not None]
    if params.search is not None:
        text = containing(params.search)
        looked_into = (WebhookEvent.event_id, WebhookEvent.customer, WebhookEvent.error)
        found.append(or_(*(col(column).regexp_match(text) for column in looked_into)))
    return found
