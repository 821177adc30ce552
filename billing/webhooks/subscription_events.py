"""Applies the provider's subscription events. They can arrive in any order, and more than once."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final, NamedTuple

import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from billing.plans.models import Plan
from billing.subscriptions import queries as subscriptions
from billing.subscriptions import service as plans
from billing.subscriptions.models import Subscription
from billing.subscriptions.statuses import KNOWN_STATUSES
from billing.tenant_lock import locked_tenant
from billing.webhooks import provider_events as events
from billing.webhooks import queries
from billing.webhooks.acts import Act
from billing.webhooks.errors import PriceUnknown, SeatsOutOfRange
from billing.webhooks.models import STRIPE
from billing.webhooks.order import last_of
from billing.webhooks.provider_events import ProviderEvent, ProviderItem, ProviderSubscription
from insula.audit import Actor, Origin, record_in, snapshot
from insula.core.ids import TenantId
from insula.db.engine.unit import Unit
from insula.db.models import FREE

# The provider's clock ticks in seconds. Within one, a subscription is created before it is updated and updated before
# it is deleted; updates within one second are ordered by the values that they replaced.
_RANK: Final = {events.SUBSCRIPTION_CREATED: 0, events.SUBSCRIPTION_UPDATED: 1, events.SUBSCRIPTION_DELETED: 2}
_PROVIDER: Final = Actor("provider", label=STRIPE)
_MAX_SEATS: Final = 1_000_000

_log: Final = structlog.get_logger(__name__)


class _Position(NamedTuple):
    """The place of an event in the order of its subscription's events."""

    second: datetime
    rank: int


async def apply_subscription_event(unit: Unit, tenant_id: TenantId, event: ProviderEvent) -> None:
    """Update the tenant's subscription, plan and entitlements from the event, unless the event is outdated.

    Raises PriceUnknown, SeatsOutOfRange, and ValidationError for an object that is not a subscription.
    """
    session = unit.session
    subscription_id = ProviderSubscription.model_validate(event.subject).id
    tenant = await locked_tenant(session, tenant_id)
    rows = await subscriptions.subscriptions(session, tenant_id)
    known = next((row for row in rows if row.provider_subscription_id == subscription_id), None)
    latest = event if known is None else await _latest(session, known, event)
    if latest is None:
        return
    before = None if known is None else snapshot(known)
    row = known or Subscription(tenant_id=tenant_id, provider_subscription_id=subscription_id, plan_key=FREE, status="")
    await _copy(session, latest, row)
    session.add(row)
    await session.flush()
    former = tenant.plan
    await plans.apply_subscriptions(session, tenant_id)
    note = partial(record_in, unit, _PROVIDER, tenant_id=tenant_id, origin=Origin(latest.id))
    act = Act.SUBSCRIPTION_CREATED if before is None else Act.SUBSCRIPTION_UPDATED
    note(act, object_type="subscription", object_id=row.id, before=before, after=snapshot(row))
    if tenant.plan != former:
        old, new = {"plan": former}, {"plan": tenant.plan}
        note(Act.PLAN_CHANGED, object_type="tenant", object_id=tenant_id, before=old, after=new)
    if row.status not in KNOWN_STATUSES:
        _log.error(
            "subscription status unknown",
            status=row.status,
            tenant_id=str(tenant_id),
            subscription=subscription_id,
            event_id=latest.id,
        )


async def _latest(session: AsyncSession, known: Subscription, event: ProviderEvent) -> ProviderEvent | None:
    """Return the event with the newest state of the subscription, or None if that state is stored already."""
    position, event_id = _position_of(known)
    arrived = _Position(event.created_at, _RANK[event.type])
    if arrived != position:
        return event if arrived > position else None
    latest = last_of(await queries.events_of_second(session, event))
    return None if latest.id == event_id else latest


def _position_of(row: Subscription) -> tuple[_Position, str]:
    if row.provider_updated_at is None or row.provider_position is None:
        raise RuntimeError("a provider's subscription has a position")
    rank, _, event_id = row.provider_position.partition(":")
    return _Position(row.provider_updated_at, int(rank)), event_id


async def _copy(session: AsyncSession, event: ProviderEvent, row: Subscription) -> None:
    state = ProviderSubscription.model_validate(event.subject)
    over = event.type == events.SUBSCRIPTION_DELETED
    item, plan = await _item_of_plan(session, state.items)
    if plan is not None:
        row.plan_key = plan.key
    elif not over:
        prices = ", ".join(item.price.id for item in state.items)
        raise PriceUnknown(f"No plan is sold at price {prices}")
    if item.quantity is not None and item.quantity > _MAX_SEATS:
        raise SeatsOutOfRange
    row.seats = item.quantity
    row.current_period_end = state.period_end(item)
    row.provider_created_at = state.created_at
    row.status = "canceled" if over else state.status
    row.provider_updated_at, row.provider_position = event.created_at, f"{_RANK[event.type]}:{event.id}"


async def _item_of_plan(session: AsyncSession, items: Sequence[ProviderItem]) -> tuple[ProviderItem, Plan | None]:
    """Return the item that is a plan, and the plan; of several plans, the most expensive. Other items are add-ons."""
    plans_sold = await queries.plans_sold_at(session, [item.price for item in items])
    by_id = {plan.provider_price_id: plan for plan in plans_sold if plan.provider_price_id is not None}
    by_key = {plan.lookup_key: plan for plan in plans_sold if plan.lookup_key is not None}
    sold = [(item, by_id.get(item.price.id) or by_key.get(item.price.lookup_key or "")) for item in items]
    of_plans = [(item, plan) for item, plan in sold if plan is not None]
    return max(of_plans, key=lambda pair: (pair[1].price_minor, pair[1].key), default=sold[0])
