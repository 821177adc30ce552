"""The effect of a subscription event on its tenant, in any order of arrival."""

import itertools
from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tuned
from hypothesis import strategies as st
from structlog.testing import capture_logs

from billing.plans.models import Plan
from billing.webhooks import inbox
from insula.core import clock
from insula.db.engine.pools import Database
from tests.support.factories import PLANS, Factories, TenantRow
from tests.support.provider import (
    JsonObject,
    Readback,
    at_price,
    event,
    make_customer,
    new_event_id,
    now,
    stored,
    subscription,
)

CREATED, UPDATED, DELETED = (f"customer.subscription.{verb}" for verb in ("created", "updated", "deleted"))


async def receive(database: Database, *messages: JsonObject) -> None:
    for message in messages:
        await inbox.receive(database, message, live_mode=False)


def changed(subject: JsonObject, replaced: JsonObject, created: int) -> JsonObject:
    """Return an update with the values that it replaced, like the provider's."""
    message = event(UPDATED, subject, created=created)
    return message | {"data": {"object": subject, "previous_attributes": replaced}}


async def state(readback: Readback, tenant: TenantRow) -> dict[str, object]:
    """Return all of the tenant's billing data in comparable form."""
    plan = await readback("select plan from tenant where id = :id", id=tenant.id)
    granted = await readback("select key, value from entitlement where tenant_id = :id", id=tenant.id)
    bought = await readback(
        "select provider_subscription_id as id, plan_key, status, seats, provider_position from subscription "
        "where tenant_id = :id order by 1",
        id=tenant.id,
    )
    return {"plan": plan[0]["plan"], "granted": {row["key"]: row["value"] for row in granted}, "bought": bought}


async def plan_of(readback: Readback, tenant: TenantRow) -> object:
    found = await state(readback, tenant)
    assert found["granted"] == PLANS[str(found["plan"])]
    return found["plan"]


@pytest.fixture
async def tenant(make: Factories) -> TenantRow:
    return await make.tenant()


@pytest.fixture
async def customer(make: Factories, tenant: TenantRow) -> str:
    return await make_customer(make, tenant)


@pytest.mark.parametrize("kind", [CREATED, UPDATED])
async def test_a_live_subscription_puts_the_tenant_on_its_plan(
    database: Database, readback: Readback, tenant: TenantRow, customer: str, kind: str
) -> None:
    await receive(database, event(kind, subscription(customer)))

    assert await plan_of(readback, tenant) == "pro"


async def test_a_deleted_subscription_puts_the_tenant_back_on_free(
    database: Database, readback: Readback, tenant: TenantRow, customer: str
) -> None:
    bought = subscription(customer)
    await receive(database, event(CREATED, bought))
    assert await plan_of(readback, tenant) == "pro"

    await receive(database, event(DELETED, bought))

    assert await plan_of(readback, tenant) == "free"


@pytest.mark.parametrize(
    ("status", "plan"),
    [
        ("trialing", "pro"),
        ("active", "pro"),
        ("past_due", "pro"),
        ("incomplete", "free"),
        ("incomplete_expired", "free"),
        ("unpaid", "free"),
        ("paused", "free"),
        ("canceled", "free"),
    ],
)
async def test_only_a_subscription_that_is_paid_for_counts(
    database: Database, readback: Readback, tenant: TenantRow, customer: str, status: str, plan: str
) -> None:
    await receive(database, event(UPDATED, subscription(customer, status=status)))

    assert await plan_of(readback, tenant) == plan


async def test_a_price_is_found_by_its_lookup_key_too(
    database: Database, readback: Readback, tenant: TenantRow, customer: str
) -> None:
    await receive(database, event(UPDATED, subscription(customer, items=at_price("price_moved", "pro_month"))))

    assert await plan_of(readback, tenant) == "pro"


async def test_an_expanded_customer_and_a_period_on_the_line_are_read(
    database: Database, readback: Readback, tenant: TenantRow, customer: str
) -> None:
    line = {"price": {"id": "price_pro_month"}, "quantity": 7, "current_period_end": 1_800_000_000}
    expanded = {"customer": {"id": customer, "object": "customer"}, "items": {"object": "list", "data": [line]}}
    bought = subscription(customer) | expanded
    del bought["current_period_end"]

    await receive(database, event(UPDATED, bought))

    assert await readback(
        "select seats, extract(epoch from current_period_end)::bigint as until from subscription "
        "where tenant_id = :id and provider_subscription_id is not null",
        id=tenant.id,
    ) == [{"seats": 7, "until": 1_800_000_000}]


async def test_an_older_event_that_arrives_later_changes_nothing(
    database: Database, readback: Readback, tenant: TenantRow, customer: str
) -> None:
    bought = subscription(customer)
    await receive(database, event(UPDATED, bought | {"status": "unpaid"}, created=now() + 10))
    before = await state(readback, tenant)

    await receive(database, event(UPDATED, bought, created=now()), event(CREATED, bought, created=now() - 10))

    assert await state(readback, tenant) == before
    assert before["plan"] == "free"


async def test_an_event_of_a_former_subscription_leaves_the_present_one_alone(
    database: Database, readback: Readback, tenant: TenantRow, customer: str
) -> None:
    former, present = subscription(customer, created=now() - 100), subscription(customer)
    await receive(database, event(CREATED, former), event(CREATED, present))

    await receive(database, event(DELETED, former, created=now() + 5))

    assert await plan_of(readback, tenant) == "pro"
    await receive(database, event(DELETED, present, created=now() + 5))
    assert await plan_of(readback, tenant) == "free"


async def test_a_subscription_at_an_unknown_price_can_still_end(
    database: Database, readback: Readback, tenant: TenantRow, customer: str
) -> None:
    bought = subscription(customer)
    await receive(database, event(CREATED, bought))

    await receive(database, event(DELETED, bought | {"items": at_price("price_gone")}, created=now() + 1))

    assert await plan_of(readback, tenant) == "free"


async def test_a_change_of_plan_raises_the_tenants_version_and_no_change_does_not(
    database: Database, readback: Readback, tenant: TenantRow, customer: str
) -> None:
    bought = subscription(customer)
    for created in (now(), now() + 1):
        await receive(database, event(UPDATED, bought, created=created))

        assert await readback("select version from tenant where id = :id", id=tenant.id) == [{"version": 2}]


ADD_ON: JsonObject = {"id": "si_0", "quantity": 50_000_000, "price": {"id": "price_of_an_add_on", "lookup_key": None}}
PLAN_ITEM: JsonObject = {"id": "si_1", "quantity": 3, "price": {"id": "price_pro_month", "lookup_key": None}}


@pytest.mark.parametrize("items", [[ADD_ON, PLAN_ITEM], [PLAN_ITEM, ADD_ON]], ids=["add-on first", "plan first"])
async def test_the_item_at_a_plans_price_decides_in_any_position(
    database: Database, readback: Readback, tenant: TenantRow, customer: str, items: list[JsonObject]
) -> None:
    await receive(database, event(UPDATED, subscription(customer, items={"object": "list", "data": items})))

    assert await plan_of(readback, tenant) == "pro"
    assert await readback(
        "select seats from subscription where tenant_id = :id and provider_subscription_id is not null", id=tenant.id
    ) == [{"seats": 3}]


@pytest.mark.parametrize("second", ["unknown", "named"])
async def test_the_most_expensive_plan_counts_among_several_items(
    database: Database, make: Factories, readback: Readback, tenant: TenantRow, customer: str, second: str
) -> None:
    dearest = "plan_" + uuid4().hex
    await make.insert(
        Plan(
            key=dearest,
            name="Dearest",
            price_minor=10**7,
            currency="EUR",
            interval="month",
            entitlements=dict(PLANS["pro"]),
            active=False,
            provider_price_id=f"price_{dearest}",
            lookup_key=f"key_{dearest}",
        )
    )
    price = {"id": f"price_{dearest}"} if second == "named" else {"id": "price_moved", "lookup_key": f"key_{dearest}"}
    items = [PLAN_ITEM, ADD_ON, {"price": price}]
    try:
        for order in (items, items[::-1]):
            await receive(database, event(UPDATED, subscription(customer, items={"object": "list", "data": order})))

            assert (await state(readback, tenant))["plan"] == dearest
    finally:
        await readback("delete from subscription where tenant_id = :id", id=tenant.id)
        await readback("update tenant set plan = 'free' where id = :id", id=tenant.id)
        await readback("delete from plan where key = :key", key=dearest)


async def test_an_unknown_status_keeps_access_and_raises_the_gauge(
    database: Database, client: httpx.AsyncClient, readback: Readback, tenant: TenantRow, customer: str
) -> None:
    bought = subscription(customer)
    await receive(database, event(CREATED, bought, created=now() - 10))
    before = await _unknown_statuses(client, timedelta(minutes=1))
    message = event(UPDATED, bought | {"status": "a_status_of_next_year"})

    with capture_logs() as logs:
        await receive(database, message)

    assert [row["status"] for row in await stored(readback, message)] == ["handled"]
    assert await plan_of(readback, tenant) == "pro"
    alerts = [line for line in logs if line["event"] == "subscription status unknown"]
    assert [(line["log_level"], line["status"]) for line in alerts] == [("error", "a_status_of_next_year")]
    assert await _unknown_statuses(client, timedelta(minutes=2)) == before + 1

    with capture_logs() as logs:
        await receive(database, event(UPDATED, bought | {"status": "unpaid"}, created=now() + 10))
    assert await plan_of(readback, tenant) == "free"
    assert await _unknown_statuses(client, timedelta(minutes=3)) == before
    assert [line for line in logs if line["event"] == "subscription status unknown"] == []


async def _unknown_statuses(client: httpx.AsyncClient, later: timedelta) -> float:
    """Read the gauge; ``later`` is long enough for the cached value to expire."""
    with clock.moved(later):
        lines = (await client.get("/metrics")).text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("insula_subscriptions_status_unknown "))


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
@pytest.mark.parametrize("ids", ["ascending", "descending"])
async def test_updates_of_one_second_apply_in_the_providers_order(
    database: Database, readback: Readback, tenant: TenantRow, customer: str, order: tuple[int, ...], ids: str
) -> None:
    bought = subscription(customer)
    await receive(database, event(CREATED, bought, created=now() - 10))
    states = [bought | {"status": status} for status in ("active", "past_due", "unpaid", "canceled")]
    updates = [changed(after, {"status": before["status"]}, now() - 5) for before, after in itertools.pairwise(states)]
    names = sorted(new_event_id() for _ in updates)
    named = zip(names if ids == "ascending" else reversed(names), updates, strict=True)
    numbered = [message | {"id": name} for name, message in named]

    await receive(database, *(numbered[place] for place in order))

    assert await readback(
        "select status from subscription where tenant_id = :id and provider_subscription_id is not null", id=tenant.id
    ) == [{"status": "canceled"}]


@pytest.mark.parametrize("replaced", [True, False], ids=["there and back", "without previous_attributes"])
@pytest.mark.parametrize("ids", ["ascending", "descending"])
async def test_updates_of_one_second_without_an_order_apply_as_they_arrived(
    database: Database, readback: Readback, tenant: TenantRow, customer: str, *, replaced: bool, ids: str
) -> None:
    bought = subscription(customer)
    unpaid, created = bought | {"status": "unpaid"}, now()
    updates = [changed(unpaid, {"status": "active"}, created), changed(bought, {"status": "unpaid"}, created)]
    if not replaced:
        updates = [event(UPDATED, unpaid, created=created), event(UPDATED, bought, created=created)]
    names = sorted(new_event_id() for _ in updates)
    named = zip(names if ids == "ascending" else reversed(names), updates, strict=True)

    await receive(database, *(message | {"id": name} for name, message in named))

    assert await plan_of(readback, tenant) == "pro"


def _life(customer: str) -> list[JsonObject]:
    """Return the events of two subscriptions, several within one second of the provider's clock."""
    start = now()
    first, second = subscription(customer, created=start), subscription(customer, created=start + 3)
    return [
        event(CREATED, first | {"status": "incomplete"}, created=start),
        event(UPDATED, first, created=start),
        event(UPDATED, first | {"status": "past_due"}, created=start + 2),
        event(DELETED, first | {"status": "canceled"}, created=start + 2),
        event(CREATED, second, created=start + 3),
        changed(second | {"status": "unpaid"}, {"status": "active"}, start + 4),
        changed(second | {"status": "unpaid", "quantity": 2}, {"quantity": None}, start + 4),
        changed(second | {"quantity": 2}, {"status": "unpaid"}, start + 4),
    ]


@tuned(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_any_order_and_any_repetition_end_the_same(
    database: Database, make: Factories, readback: Readback, data: st.DataObject
) -> None:
    tenant = await make.tenant()
    life = _life(await make_customer(make, tenant))
    await receive(database, *life)
    in_order = await state(readback, tenant)

    other = await make.tenant()
    their_customer = await make_customer(make, other)
    theirs = [_renamed(message, their_customer) for message in life]
    shuffled: Sequence[JsonObject] = data.draw(st.permutations([*theirs, *theirs[:3]]))
    await receive(database, *shuffled)

    assert _comparable(await state(readback, other)) == _comparable(in_order)


def _renamed(message: JsonObject, customer: str) -> JsonObject:
    """Return the same event for another customer; its id keeps its order, so ties are decided the same way."""
    subject = message["data"]["object"]  # type: ignore[index]  # as built above
    return message | {
        "id": f"{message['id']}_{customer}",
        "data": message["data"] | {"object": subject | {"id": f"{subject['id']}_{customer}", "customer": customer}},  # type: ignore[operator]  # as built above
    }


def _comparable(found: dict[str, object]) -> dict[str, object]:
    rows = [
        {name: value for name, value in row.items() if name not in {"id", "provider_position"}}
        for row in found["bought"]  # type: ignore[attr-defined]  # a list of rows
    ]
    return found | {"bought": rows}


async def test_the_clock_of_this_process_does_not_affect_the_order(
    database: Database, readback: Readback, tenant: TenantRow, customer: str
) -> None:
    bought = subscription(customer, id=f"sub_{uuid4().hex}")
    created = now()
    with clock.moved(timedelta(hours=2)):
        await receive(database, event(UPDATED, bought, created=created))

    await receive(database, event(DELETED, bought, created=created + 1))

    assert await plan_of(readback, tenant) == "free"
