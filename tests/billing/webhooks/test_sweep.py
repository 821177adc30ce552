"""The sweeper retries unhandled events, and marks them dead after a bounded number of attempts."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from billing.webhooks import inbox
from billing.webhooks.sweep import sweep
from insula.core import clock
from insula.core.ids import new_id
from insula.db.engine.pools import Database
from tests.support.factories import Factories
from tests.support.provider import (
    JsonObject,
    Readback,
    at_price,
    event,
    make_customer,
    subscription,
)

LONG_AFTER = timedelta(hours=3)
_ROW = "select id, status, attempts, error, tenant_id, handled_at is not null as done from webhook_event "


async def row_of(readback: Readback, message: JsonObject) -> dict[str, object]:
    (row,) = await readback(_ROW + "where event_id = :id", id=message["id"])
    return row


async def plan_of(readback: Readback, tenant_id: UUID) -> object:
    (row,) = await readback("select plan from tenant where id = :id", id=tenant_id)
    return row["plan"]


async def store_only(database: Database, message: JsonObject, monkeypatch: pytest.MonkeyPatch) -> None:
    """Store the event like a process that is killed before it applies it."""

    async def killed(_database: Database, _event_row: UUID) -> None:
        """Return before the event is applied."""

    with monkeypatch.context() as patch:
        patch.setattr(inbox, "handle", killed)
        await inbox.receive(database, message, live_mode=False)


async def sweep_at_once(database: Database, times: int) -> Sequence[int]:
    return await asyncio.gather(*(sweep(database) for _ in range(times)))


async def test_a_stored_unhandled_event_is_handled(
    database: Database, make: Factories, readback: Readback, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await make.tenant()
    message = event("customer.subscription.updated", subscription(await make_customer(make, tenant)))
    await store_only(database, message, monkeypatch)
    assert (await row_of(readback, message))["status"] == "pending"

    with clock.moved(LONG_AFTER):
        await sweep(database)

    found = await row_of(readback, message)
    assert (found["status"], found["attempts"], found["tenant_id"]) == ("handled", 2, tenant.id)
    assert await plan_of(readback, tenant.id) == "pro"


async def test_an_event_in_progress_is_left_alone(
    database: Database, make: Factories, readback: Readback, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await make.tenant()
    message = event("customer.subscription.updated", subscription(await make_customer(make, tenant)))
    await store_only(database, message, monkeypatch)

    await sweep(database)

    assert (await row_of(readback, message))["attempts"] == 1


async def test_concurrent_sweepers_count_one_attempt_and_have_one_effect(
    database: Database, make: Factories, readback: Readback, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await make.tenant()
    customer = await make_customer(make, tenant)
    messages = [event("customer.subscription.updated", subscription(customer)) for _ in range(5)]
    for message in messages:
        await store_only(database, message, monkeypatch)

    with clock.moved(LONG_AFTER):
        await sweep_at_once(database, 8)

    rows = [await row_of(readback, message) for message in messages]
    assert {(row["status"], row["attempts"]) for row in rows} == {("handled", 2)}
    assert await readback("select version from tenant where id = :id", id=tenant.id) == [{"version": 2}]


async def test_quarantine_ends_when_the_customer_becomes_known(
    database: Database, make: Factories, readback: Readback
) -> None:
    tenant = await make.tenant()
    customer = await make_customer(make, tenant)
    await readback("delete from billing_customer where provider_customer_id = :id", id=customer)
    message = event("customer.subscription.updated", subscription(customer))
    await inbox.receive(database, message, live_mode=False)
    quarantined = await row_of(readback, message)
    assert (quarantined["status"], quarantined["done"], quarantined["tenant_id"]) == ("quarantined", False, None)
    assert await plan_of(readback, tenant.id) == "free"

    await readback(
        "insert into billing_customer (tenant_id, id, created_at, updated_at, version, provider, provider_customer_id) "
        "values (:tenant, :id, now(), now(), 1, 'stripe', :customer)",
        tenant=tenant.id,
        id=new_id(),
        customer=customer,
    )
    await sweep(database)

    assert (await row_of(readback, message))["status"] == "handled"
    assert await plan_of(readback, tenant.id) == "pro"


class TestPoisonEvents:
    async def test_a_failing_event_is_dead_after_a_bounded_number_of_attempts(
        self, database: Database, make: Factories, readback: Readback
    ) -> None:
        tenant = await make.tenant()
        poison = subscription(await make_customer(make, tenant), items=at_price("price_nobody_sells"))
        message = event("customer.subscription.updated", poison)
        await inbox.receive(database, message, live_mode=False)
        first = await row_of(readback, message)
        assert (first["status"], first["attempts"]) == ("pending", 1)
        assert "price_nobody_sells" in str(first["error"])

        for turn in range(1, inbox.MAX_ATTEMPTS + 3):
            with clock.moved(LONG_AFTER * turn):
                await sweep(database)

        last = await row_of(readback, message)
        assert (last["status"], last["attempts"], last["done"]) == ("dead", inbox.MAX_ATTEMPTS, False)
        assert await plan_of(readback, tenant.id) == "free"

    async def test_an_event_that_kills_its_process_is_dead_too(
        self, database: Database, make: Factories, readback: Readback, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tenant = await make.tenant()
        message = event("customer.subscription.updated", subscription(await make_customer(make, tenant)))
        await store_only(database, message, monkeypatch)

        async def killed(_database: Database, _event_row: UUID) -> None:
            """Return before the event is applied."""

        monkeypatch.setattr(inbox, "handle", killed)
        for turn in range(1, inbox.MAX_ATTEMPTS + 3):
            with clock.moved(LONG_AFTER * turn):
                await sweep(database)

        last = await row_of(readback, message)
        assert (last["status"], last["attempts"]) == ("dead", inbox.MAX_ATTEMPTS)

    async def test_other_events_are_handled_meanwhile(
        self, database: Database, make: Factories, readback: Readback
    ) -> None:
        tenant = await make.tenant()
        customer = await make_customer(make, tenant)
        malformed: list[JsonObject] = [
            {"id": "sub_x", "customer": customer},
            subscription(customer, items={"data": []}),
        ]
        for subject in malformed:
            await inbox.receive(database, event("customer.subscription.updated", subject), live_mode=False)

        await inbox.receive(database, event("customer.subscription.updated", subscription(customer)), live_mode=False)

        assert await plan_of(readback, tenant.id) == "pro"


async def test_each_wait_is_longer_up_to_an_hour() -> None:
    waits = [inbox.wait_after(attempts) for attempts in range(1, inbox.MAX_ATTEMPTS + 1)]

    assert waits == sorted(waits)
    assert waits[0] == timedelta(seconds=30)
    assert waits[-1] == timedelta(hours=1)
