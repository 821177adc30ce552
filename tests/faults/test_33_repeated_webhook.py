"""Fault 33: 100 concurrent copies of a webhook have one effect; order and duplication do not change the final state.

tests/billing/webhooks/test_subscription_events.py tests every order of arrival.
"""

import asyncio
import random

from tests.support.factories import Factories
from tests.support.provider import Provider, Readback, event, make_customer, now, plan_of, stored, subscription

CREATED, UPDATED, DELETED = (f"customer.subscription.{verb}" for verb in ("created", "updated", "deleted"))


async def test_a_hundred_concurrent_copies_have_one_effect(
    provider: Provider, make: Factories, readback: Readback
) -> None:
    tenant = await make.tenant()
    message = event(UPDATED, subscription(await make_customer(make, tenant)))

    answers = await asyncio.gather(*(provider.send(message) for _ in range(100)))

    assert {answer.status_code for answer in answers} == {200}
    (row,) = await stored(readback, message)
    assert (row["status"], row["attempts"]) == ("handled", 1)
    assert await plan_of(readback, tenant) == "pro"
    assert await readback("select version from tenant where id = :id", id=tenant.id) == [{"version": 2}]
    assert await readback(
        "select count(*) as n from subscription where tenant_id = :id and provider_subscription_id is not null",
        id=tenant.id,
    ) == [{"n": 1}]


async def test_concurrent_repeated_events_end_in_the_same_state_as_ordered_ones(
    provider: Provider, make: Factories, readback: Readback
) -> None:
    chance = random.Random(33)  # noqa: S311 - an order, not a secret
    ended, running = await make.tenant(), await make.tenant()
    start = now()
    messages = []
    for tenant, last in ((ended, DELETED), (running, UPDATED)):
        bought = subscription(await make_customer(make, tenant), created=start)
        life = [(CREATED, "incomplete"), (UPDATED, "active"), (UPDATED, "past_due"), (last, "active")]
        messages += [
            event(kind, bought | {"status": status}, created=start + step) for step, (kind, status) in enumerate(life)
        ]
    copies = messages * 4
    chance.shuffle(copies)

    answers = await asyncio.gather(*(provider.send(message) for message in copies))

    assert {answer.status_code for answer in answers} == {200}
    assert await plan_of(readback, ended) == "free"
    assert await plan_of(readback, running) == "pro"


async def test_an_event_of_an_unknown_type_is_stored(provider: Provider, readback: Readback) -> None:
    message = event("entitlements.something.new", {"object": "novelty"})

    answer = await provider.send(message)

    assert answer.status_code == 200
    (row,) = await stored(readback, message)
    assert row["status"] == "handled"
