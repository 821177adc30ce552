"""What the provider's subscription events do, in whatever order and however often they come."""

from datetime import datetime
from functools import partial
from typing import Final

from sqlmodel.ext.asyncio.session import AsyncSession

from billing import events, queries
from billing.errors import PriceUnknown
from billing.events import ProviderEvent, ProviderSubscription
from billing.models import STRIPE, Plan, Subscription
from billing.service import plans
from insula.audit import Actor, Origin, image, record_in
from insula.db.unit import Unit
from insula.ids import TenantId

# The provider's clock ticks in seconds. Within one, a subscription is made before it changes and
# changes before it ends; what is left is ordered by the event's id, so that every order of arrival
# ends the same.
_RANK: Final = {events.SUBSCRIPTION_CREATED: 0, events.SUBSCRIPTION_UPDATED: 1, events.SUBSCRIPTION_DELETED: 2}
_PROVIDER: Final = Actor("provider", label=STRIPE)


async def follow(unit: Unit, tenant_id: TenantId, event: ProviderEvent) -> None:
    """Bring the tenant's subscription, plan and entitlements to what the event says, unless it is outdated.

    Raises PriceUnknown, and ValidationError for an object that is not a subscription.
    """
    session = unit.session
    told = ProviderSubscription.model_validate(event.data.get("object"))
    tenant = await queries.locked_tenant(session, tenant_id)
    rows = await queries.subscriptions(session, tenant_id)
    known = next((row for row in rows if row.provider_subscription_id == told.id), None)
    position = event.created_at, f"{_RANK[event.type]}:{event.id}"
    if known is not None and _position(known) >= position:
        return
    over = event.type == events.SUBSCRIPTION_DELETED
    plan = await _plan_of(session, told)
    if plan is None and not over:
        raise PriceUnknown(f"No plan is sold at price {told.items[0].price.id}")
    before = None if known is None else image(known)
    row = known or Subscription(tenant_id=tenant_id, provider_subscription_id=told.id, plan_key=plans.FREE, status="")
    if plan is not None:
        row.plan_key = plan.key
    _copy(told, row)
    row.status = "canceled" if over else told.status
    row.provider_updated_at, row.provider_position = position
    session.add(row)
    await session.flush()
    former = tenant.plan
    await plans.settle(session, tenant_id)
    note = partial(record_in, unit, _PROVIDER, tenant_id=tenant_id, origin=Origin(event.id))
    act = "subscription.created" if before is None else "subscription.updated"
    note(act, object_type="subscription", object_id=row.id, before=before, after=image(row))
    if tenant.plan != former:
        old, new = {"plan": former}, {"plan": tenant.plan}
        note("tenant.plan_changed", object_type="tenant", object_id=tenant_id, before=old, after=new)


async def _plan_of(session: AsyncSession, told: ProviderSubscription) -> Plan | None:
    price = told.items[0].price
    return await queries.plan_sold_at(session, price.id, price.lookup_key)


def _position(row: Subscription) -> tuple[datetime, str]:
    if row.provider_updated_at is None or row.provider_position is None:
        raise RuntimeError("a provider's subscription has a position")
    return row.provider_updated_at, row.provider_position


def _copy(told: ProviderSubscription, row: Subscription) -> None:
    row.seats = told.items[0].quantity
    row.current_period_end = told.period_end
    row.provider_created_at = told.created_at
