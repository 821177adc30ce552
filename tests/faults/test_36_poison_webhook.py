"""Fault 36: an event that always fails is retried a bounded number of times, and does not delay others.

tests/billing/webhooks/test_sweep.py tests the bound and the dead letter, tests/billing/webhook_events/test_routes.py
the replay.
"""

import pytest

from tests.support.factories import Factories
from tests.support.provider import (
    JsonObject,
    Provider,
    Readback,
    at_price,
    event,
    make_customer,
    plan_of,
    stored,
    subscription,
)

UPDATED = "customer.subscription.updated"


@pytest.mark.parametrize(
    "broken",
    [
        {"items": at_price("price_nobody_sells")},
        {"items": {"object": "list", "data": []}},
        {"items": None},
        {"status": ""},
        {"items": {"data": [{"price": {"id": "price_of_an_add_on"}}, {"price": {"id": "price_nobody_sells"}}]}},
        {"created": 10**18},
        {"id": ""},
        {"id": {"nested": "id"}},
        {"items": {"data": [{"price": {"id": "price_pro_month"}, "quantity": 10**12}]}},
        {"items": {"data": [{"price": {"id": "price_pro_month"}, "quantity": 1_000_001}]}},
    ],
    ids=str,
)
async def test_a_poison_event_is_stored_and_others_are_handled(
    provider: Provider, make: Factories, readback: Readback, broken: JsonObject
) -> None:
    tenant = await make.tenant()
    customer = await make_customer(make, tenant)
    poison = event(UPDATED, subscription(customer) | broken)

    answer = await provider.send(poison)

    assert answer.status_code == 200
    (row,) = await stored(readback, poison)
    assert (row["status"], row["attempts"]) == ("pending", 1)
    assert row["error"]
    assert await plan_of(readback, tenant) == "free"
    assert (await provider.send(event(UPDATED, subscription(customer)))).status_code == 200
    assert await plan_of(readback, tenant) == "pro"


async def test_thirty_poison_events_do_not_delay_another_tenant(
    provider: Provider, make: Factories, readback: Readback
) -> None:
    poisoned, well = await make.tenant(), await make.tenant()
    customer = await make_customer(make, poisoned)
    for _ in range(30):
        await provider.send(event(UPDATED, subscription(customer, items=at_price("price_nobody_sells"))))

    await provider.send(event(UPDATED, subscription(await make_customer(make, well))))

    assert await plan_of(readback, well) == "pro"
    assert await plan_of(readback, poisoned) == "free"
